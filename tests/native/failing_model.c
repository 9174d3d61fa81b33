/* A model that is read and streamed with every allocation failing once: it is said, and nothing is
 * kept; and none after set-up. Linked with @wrapped. */
#include <stdio.h>

#include "birdfast.h"
#include "failing.h"

enum { MOST_BYTES = 1 << 22, BLOCK = 320, PUSHES = 1000 };

static unsigned char file[MOST_BYTES];
static float sound[BLOCK];
static int a_push_allocates;

static bf_status made_and_freed(size_t n, int64_t step)
{
    bf_stsg *model = NULL;
    bf_stream *stream = NULL;
    bf_status status = bf_stsg_read(file, n, &model);
    if (status == BF_OK) {
        status = bf_stream_new(model, bf_table_chosen(), step, &stream);
    }
    const long before = n_asked;
    for (int i = 0; status == BF_OK && i < PUSHES; ++i) {
        size_t taken;
        bf_stream_push(stream, sound, BLOCK, &taken);
    }
    a_push_allocates |= n_asked != before;
    bf_stream_free(stream);
    bf_stsg_free(model);
    return status;
}

int main(int argc, char **argv)
{
    FILE *from = argc > 1 ? fopen(argv[1], "rb") : NULL;
    const size_t n = from == NULL ? 0 : fread(file, 1, MOST_BYTES, from);
    for (long k = 0; k < 100000; ++k) {
        fail(k);
        const bf_status status = made_and_freed(n, k % 2 == 0 ? 6400 : 7001);
        if (n_held != 0 || (status != BF_OK && status != BF_NO_MEMORY)) {
            printf("%ld allocations: status %d, %ld pieces are kept\n", k, (int)status, n_held);
            return 1;
        }
        if (a_push_allocates) {
            printf("a push allocates\n");
            return 1;
        }
        if (status == BF_OK) {
            printf("fine after %ld\n", k);
            return 0;
        }
    }
    return 1;
}
