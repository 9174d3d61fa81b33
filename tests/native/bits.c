/* bits: does each job on each table that this CPU has, and prints a digest of what came of it, a
 * job a line. Ends with 1 where two tables differ. Two machines agree where they print the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobs.h"

/* FNV-1a, 64 bits. */
static uint64_t digest(const unsigned char *bytes, size_t n)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; ++i) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return sum;
}

int main(void)
{
    objects given;
    if (objects_new(&given) != BF_OK) {
        return 70;
    }
    int differ = 0;
    for (int i = 0; i < n_jobs; ++i) {
        const bf_kernels *kernels;
        uint64_t first = 0;
        for (int32_t t = 0; (kernels = bf_table(t)) != NULL; ++t) {
            void *state, *out = calloc(1, jobs[i].out_bytes);
            if (out == NULL || jobs[i].begin(&given, kernels, &state) != BF_OK) {
                return 70;
            }
            jobs[i].run(&given, kernels, state, out);
            jobs[i].end(state);
            const uint64_t found = digest(out, jobs[i].out_bytes);
            free(out);
            if (t == 0) {
                first = found;
                printf("%-24s %016" PRIx64 "\n", jobs[i].name, found);
            } else if (found != first) {
                printf("%-24s %016" PRIx64 " on %s\n", jobs[i].name, found, kernels->name);
                differ = 1;
            }
        }
    }
    objects_free(&given);
    return differ;
}
