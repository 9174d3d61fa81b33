/* Eight lanes. */
#include "tables.h"

#if defined(BF_X86)
#define TARGET "avx2"
#define LANES 8
#define TABLE bf_kernels_avx2
#define EXACT_TABLE bf_exact_avx2
#define TABLE_NAME "avx2"
#include "kernels.inc.h"
#endif
