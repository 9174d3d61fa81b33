/* Transforms in double, at half as many lanes. */
#define LANES 2
#define EXACT
#define FLOAT_TABLE bf_kernels_baseline
#define TABLE bf_exact_baseline
#include "kernels.inc.h"
