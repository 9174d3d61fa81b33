/* Four lanes: what every CPU of the architecture has (SSE2, NEON). */
#define LANES 4
#define TABLE bf_kernels_baseline
#define EXACT_TABLE bf_exact_baseline
#define TABLE_NAME "baseline"
#include "kernels.inc.h"
