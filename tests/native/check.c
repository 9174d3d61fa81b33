/* Holds the library to what birdfast.h promises: the same bits on all tables and in eight threads,
 * no allocation after set-up, and nothing kept or lost whichever allocation fails. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing.h"
#include "jobs.h"

enum { N_THREADS = 8 };

static void require(int holds, const char *law, const char *where)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", where, law);
        exit(1);
    }
}

static void *all_jobs(const objects *given, const bf_kernels *kernels)
{
    size_t bytes = 0;
    for (int i = 0; i < n_jobs; ++i) {
        bytes += jobs[i].out_bytes;
    }
    unsigned char *results = calloc(1, bytes), *out = results;
    require(results != NULL, "no memory", "results");
    for (int i = 0; i < n_jobs; ++i) {
        void *state;
        require(jobs[i].begin(given, kernels, &state) == BF_OK, "begins", jobs[i].name);
        jobs[i].run(given, kernels, state, out);
        jobs[i].end(state);
        out += jobs[i].out_bytes;
    }
    return results;
}

static void compare(const void *found, const void *meant, const char *where)
{
    const unsigned char *one = found, *other = meant;
    for (int i = 0; i < n_jobs; ++i) {
        if (memcmp(one, other, jobs[i].out_bytes) != 0) {
            fprintf(stderr, "%s, ", where);
            require(0, "other bits", jobs[i].name);
        }
        one += jobs[i].out_bytes;
        other += jobs[i].out_bytes;
    }
}

static void same_bits_on_all_tables(const objects *given, const void *meant)
{
    const bf_kernels *kernels;
    for (int32_t i = 1; (kernels = bf_table(i)) != NULL; ++i) {
        void *found = all_jobs(given, kernels);
        compare(found, meant, kernels->name);
        free(found);
    }
}

static const unsigned char *result_of(const char *name, const void *results)
{
    const unsigned char *at = results;
    for (int i = 0; i < n_jobs; ++i) {
        if (strcmp(jobs[i].name, name) == 0) {
            return at;
        }
        at += jobs[i].out_bytes;
    }
    require(0, "no such job", name);
    return NULL;
}

static size_t bytes_of(const char *name)
{
    for (int i = 0; i < n_jobs; ++i) {
        if (strcmp(jobs[i].name, name) == 0) {
            return jobs[i].out_bytes;
        }
    }
    return 0;
}

/* The first window that is pushed is the one that is scored. */
static void a_stream_says_what_its_windows_say(const void *results)
{
    const void *pushed = result_of("push-10-ms", results),
               *scored = result_of("stsg-window", results);
    require(memcmp(pushed, scored, bytes_of("stsg-window")) == 0, "other bits", "a stream");
}

static void no_allocation_after_set_up(const objects *given)
{
    for (int i = 0; i < n_jobs; ++i) {
        const bf_kernels *kernels = bf_table_chosen();
        void *state, *out = calloc(1, jobs[i].out_bytes);
        require(out != NULL && jobs[i].begin(given, kernels, &state) == BF_OK, "begins",
                jobs[i].name);
        const long before = n_asked;
        jobs[i].run(given, kernels, state, out);
        require(n_asked == before, "allocates", jobs[i].name);
        jobs[i].end(state);
        free(out);
    }
}

static void *in_a_thread(void *given)
{
    return all_jobs(given, bf_table_chosen());
}

static void threads_share_objects(objects *given, const void *meant)
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; ++i) {
        require(pthread_create(&threads[i], NULL, in_a_thread, given) == 0, "starts", "a thread");
    }
    for (int i = 0; i < N_THREADS; ++i) {
        void *found;
        require(pthread_join(threads[i], &found) == 0, "ends", "a thread");
        compare(found, meant, "a thread");
        free(found);
    }
}

static bf_status make_and_free(void)
{
    objects given;
    bf_status status = objects_new(&given);
    for (int i = 0; status == BF_OK && i < n_jobs; ++i) {
        void *state;
        status = jobs[i].begin(&given, bf_table_chosen(), &state);
        if (status == BF_OK) {
            jobs[i].end(state);
        }
    }
    objects_free(&given);
    return status;
}

static long every_allocation_fails_once(void)
{
    const long living = n_held;
    fail(-1);
    require(make_and_free() == BF_OK, "is not made", "objects");
    const long n = n_asked;
    for (long i = 0; i < n; ++i) {
        fail(i);
        const bf_status status = make_and_free();
        fail(-1);
        require(status == BF_NO_MEMORY, bf_status_text(status), "an allocation failed");
        require(n_held == living, "memory is lost", "an allocation failed");
    }
    return n;
}

int main(int argc, char **argv)
{
    const int all = argc == 1;
    objects given;
    require(bf_abi() == BF_ABI, "of another header", "the library");
    require(objects_new(&given) == BF_OK, "are not made", "objects");
    void *meant = all_jobs(&given, bf_table_named("scalar"));
    if (all || strcmp(argv[1], "tables") == 0) {
        same_bits_on_all_tables(&given, meant);
        a_stream_says_what_its_windows_say(meant);
        no_allocation_after_set_up(&given);
    }
    if (all || strcmp(argv[1], "threads") == 0) {
        threads_share_objects(&given, meant);
    }
    if (all || strcmp(argv[1], "failing") == 0) {
        printf("%ld allocations, each failed once\n", every_allocation_fails_once());
    }
    free(meant);
    objects_free(&given);
    require(n_held == 0, "memory is lost", "at the end");
    return 0;
}
