/* Which tables this CPU can run, and which one is used. */
#include <stdlib.h>
#include <string.h>

#include "tables.h"

int32_t bf_abi(void)
{
    return BF_ABI;
}

static int runs_here(const bf_kernels *table)
{
#if defined(BF_X86)
    __builtin_cpu_init();
    if (table == &bf_kernels_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    }
    if (table == &bf_kernels_avx2) {
        return __builtin_cpu_supports("avx2");
    }
#endif
    return table != NULL;
}

int32_t bf_fuses(void)
{
#if defined(BF_X86)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") != 0;
#else
    return 0;
#endif
}

static const bf_kernels *const all_tables[] = {
    &bf_kernels_scalar,
    &bf_kernels_baseline,
#if defined(BF_X86)
    &bf_kernels_avx2,
    &bf_kernels_avx512,
#endif
};

const bf_kernels *bf_table(int32_t i)
{
    for (size_t t = 0; t < sizeof all_tables / sizeof *all_tables; ++t) {
        if (runs_here(all_tables[t]) && i-- == 0) {
            return all_tables[t];
        }
    }
    return NULL;
}

const bf_kernels *bf_table_named(const char *name)
{
    const bf_kernels *table;
    for (int32_t i = 0; (table = bf_table(i)) != NULL; ++i) {
        if (strcmp(table->name, name) == 0) {
            return table;
        }
    }
    return NULL;
}

const bf_kernels *bf_table_chosen(void)
{
    const char *name = getenv("BIRDFAST_CPU");
    if (name != NULL && *name != '\0') {
        return bf_table_named(name);
    }
    const bf_kernels *best = NULL, *table;
    for (int32_t i = 0; (table = bf_table(i)) != NULL; ++i) {
        best = table;
    }
    return best;
}
