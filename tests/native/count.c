/* count JOB TABLE: does a job twice, the second time inside `measured`, where callgrind counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

__attribute__((noinline)) void measured(const job *one, const objects *given,
                                        const bf_kernels *kernels, void *state, void *out)
{
    one->run(given, kernels, state, out);
    __asm__ volatile("" ::: "memory"); /* so that the call is no jump, which would leave here */
}

int main(int argc, char **argv)
{
    const bf_kernels *kernels = argc == 3 ? bf_table_named(argv[2]) : NULL;
    const job *one = NULL;
    if (argc == 1) { /* what there is: a job a line */
        for (int i = 0; i < n_jobs; ++i) {
            puts(jobs[i].name);
        }
        return 0;
    }
    for (int i = 0; i < n_jobs; ++i) {
        one = strcmp(argv[1], jobs[i].name) == 0 ? &jobs[i] : one;
    }
    if (one == NULL || kernels == NULL) {
        fputs("usage: count [JOB TABLE]\n", stderr);
        return 64;
    }
    objects given;
    void *state, *out = malloc(one->out_bytes);
    if (out == NULL || objects_new(&given) != BF_OK ||
        one->begin(&given, kernels, &state) != BF_OK) {
        return 70;
    }
    one->run(&given, kernels, state, out);
    measured(one, &given, kernels, state, out);
    one->end(state);
    objects_free(&given);
    free(out);
    return 0;
}
