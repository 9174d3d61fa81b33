/* One lane: the kernels as plain loops over floats, the meaning of all the others. */
#define LANES 1
#define TABLE bf_kernels_scalar
#define EXACT_TABLE bf_exact_scalar
#define TABLE_NAME "scalar"
#include "kernels.inc.h"
