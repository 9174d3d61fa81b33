/* Sixteen lanes. */
#include "tables.h"

#if defined(BF_X86)
#define TARGET "avx512f,avx512dq,avx512vl,avx512bw"
#define LANES 16
#define TABLE bf_kernels_avx512
#define EXACT_TABLE bf_exact_avx512
#define TABLE_NAME "avx512"
#include "kernels.inc.h"
#endif
