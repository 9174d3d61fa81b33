/* Transforms in double, at half as many lanes. */
#define LANES 1
#define EXACT
#define FLOAT_TABLE bf_kernels_scalar
#define TABLE bf_exact_scalar
#include "kernels.inc.h"
