/* Transforms in double, at half as many lanes. */
#include "tables.h"

#if defined(BF_X86)
#define TARGET "avx512f,avx512dq,avx512vl,avx512bw"
#define LANES 8
#define EXACT
#define FLOAT_TABLE bf_kernels_avx512
#define TABLE bf_exact_avx512
#include "kernels.inc.h"
#endif
