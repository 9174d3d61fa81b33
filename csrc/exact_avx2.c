/* Transforms in double, at half as many lanes. */
#include "tables.h"

#if defined(BF_X86)
#define TARGET "avx2"
#define LANES 4
#define EXACT
#define FLOAT_TABLE bf_kernels_avx2
#define TABLE bf_exact_avx2
#include "kernels.inc.h"
#endif
