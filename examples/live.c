/* Tokens and scores of sound as it comes: 16-bit PCM, mono, at the model's rate, from standard
 * input.
 *
 *   birdfast export MODEL/ -o model.bft
 *   cc @csrc/flags -I csrc examples/live.c csrc/[a-z]*.c -lm -o live
 *   arecord -q -t raw -f S16_LE -c 1 -r 32000 | ./live model.bft 1.0
 *
 * The second argument is the time from window to window in seconds, as long as a window if there is
 * none. A line is a window's start in seconds, then either its tokens or a class and its logit. */
#include <stdio.h>
#include <stdlib.h>

#include "birdfast.h"

enum { BLOCK = 320 };

static void *content_of(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        return NULL;
    }
    const long size = ftell(file);
    rewind(file);
    void *content = size > 0 ? malloc((size_t)size) : NULL;
    *n = content == NULL ? 0 : fread(content, 1, (size_t)size, file);
    fclose(file);
    return content;
}

static void print_window(const bf_stsg *model, const bf_stream *stream)
{
    bf_window window;
    bf_stream_window(stream, &window);
    const double start_s = (double)window.start_sample / bf_stsg_rate_hz(model);
    printf("%.6f\ttokens\t", start_s);
    for (int64_t i = 0; i < window.n_tokens; ++i) {
        printf(i == 0 ? "%d" : " %d", window.tokens[i]);
    }
    putchar('\n');
    for (int32_t i = 0; i < bf_stsg_n_classes(model); ++i) {
        printf("%.6f\t", start_s);
        for (const char *c = bf_stsg_class_name(model, i); *c != '\0'; ++c) {
            putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
        }
        printf("\t%.9g\n", (double)window.logits[i]); /* nine digits tell every float */
    }
    fflush(stdout);
}

static void listen(const bf_stsg *model, bf_stream *stream)
{
    int16_t samples[BLOCK];
    size_t n, taken;
    while ((n = fread(samples, sizeof *samples, BLOCK, stdin)) > 0) {
        for (const int16_t *at = samples; n > 0; at += taken, n -= taken) {
            if (bf_stream_push_int16(stream, at, n, &taken)) {
                print_window(model, stream);
            }
        }
    }
}

int main(int argc, char **argv)
{
    bf_stsg *model = NULL;
    bf_stream *stream = NULL;
    size_t n = 0;
    const double step_s = argc > 2 ? atof(argv[2]) : 1.0;
    if (argc < 2 || argc > 3 || !(step_s >= 0.001 && step_s <= 3600.0)) {
        fprintf(stderr, "usage: %s MODEL.bft [STEP_S] < pcm, a step of 0.001 to 3600 seconds\n",
                argv[0]);
        return 64;
    }
    void *content = content_of(argv[1], &n);
    if (content == NULL) {
        fprintf(stderr, "%s: cannot be read\n", argv[1]);
        return 1;
    }
    bf_status status = bf_stsg_read(content, n, &model);
    free(content);
    if (status == BF_OK) {
        const int64_t step = argc > 2 ? (int64_t)(step_s * bf_stsg_rate_hz(model) + 0.5)
                                      : bf_stsg_window_samples(model);
        status = bf_stream_new(model, bf_table_chosen(), step, &stream);
    }
    if (status == BF_OK) {
        listen(model, stream);
    } else {
        fprintf(stderr, "%s: %s\n", argv[1], bf_status_text(status));
    }
    bf_stream_free(stream);
    bf_stsg_free(model);
    return status == BF_OK ? 0 : 1;
}
