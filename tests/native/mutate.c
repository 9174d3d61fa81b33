/* mutate MODEL.bft N: reads N mutants of a model's file, half of them with their checksum mended.
 * Whatever they hold, the loader refuses them or makes a model that hears: under the sanitizers
 * nothing else counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "birdfast.h"

enum {
    HEAD_FROM = 8,
    CHECKSUM_AT = 16,
    CHECKED_FROM = 24,
    MOST_WINDOW = 1 << 20,
    MOST_SCRATCH = 1 << 28
};

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static void mend(unsigned char *bytes, size_t n)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = HEAD_FROM; i < n; i = i == CHECKSUM_AT - 1 ? CHECKED_FROM : i + 1) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    for (int i = 0; i < 4 && n >= CHECKED_FROM; ++i) {
        bytes[CHECKSUM_AT + i] = (unsigned char)(~crc >> 8 * i);
    }
}

/* Cuts the file, or changes one to eight bytes: of every two mutants one in what says where things
 * lie and how many there are, with values that are often limits. */
static size_t mutated(unsigned char *bytes, size_t n)
{
    static const unsigned char limits[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    const size_t within = any(2) && n > 2048 ? 2048 : n;
    for (uint32_t left = 1 + any(8); left > 0; --left) {
        bytes[any((uint32_t)within)] =
            any(2) ? limits[any(sizeof limits)] : (unsigned char)any(256);
    }
    return any(8) == 0 ? any((uint32_t)n) : n;
}

static void hears(const bf_stsg *model)
{
    const int64_t n_samples = bf_stsg_window_samples(model);
    const bf_kernels *kernels = bf_table_chosen();
    const size_t n_bytes = bf_stsg_scratch(model, kernels);
    if (n_samples > MOST_WINDOW || n_bytes > MOST_SCRATCH) {
        return;
    }
    float *sound = calloc((size_t)n_samples, sizeof *sound);
    float *logits = calloc((size_t)bf_stsg_n_classes(model), sizeof *logits);
    float *embedding = calloc((size_t)bf_stsg_n_embedding(model) + 1, sizeof *embedding);
    void *scratch = aligned_alloc(BF_ALIGNMENT, (n_bytes / BF_ALIGNMENT + 1) * BF_ALIGNMENT);
    if (sound != NULL && logits != NULL && embedding != NULL && scratch != NULL) {
        bf_stsg_score(model, kernels, sound, 1, logits, embedding, scratch);
    }
    free(scratch);
    free(embedding);
    free(logits);
    free(sound);
}

/* The status of a copy that ends where the file ends, so that what reads beyond it is found out. */
static bf_status read_copy(const unsigned char *bytes, size_t n)
{
    bf_stsg *model = NULL;
    unsigned char *copy = malloc(n > 0 ? n : 1);
    if (copy == NULL) {
        return BF_NO_MEMORY;
    }
    memcpy(copy, bytes, n);
    const bf_status status = bf_stsg_read(copy, n, &model);
    free(copy);
    if (status == BF_OK) {
        hears(model);
    } else if (model != NULL) {
        fputs("a model is handed out beside an error\n", stderr);
        exit(1);
    }
    bf_stsg_free(model);
    return status;
}

int main(int argc, char **argv)
{
    static unsigned char file[1 << 22], mutant[1 << 22];
    FILE *stream = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (stream == NULL) {
        fputs("usage: mutate MODEL.bft N\n", stderr);
        return 64;
    }
    const size_t n = fread(file, 1, sizeof file, stream);
    fclose(stream);
    if (read_copy(file, n) != BF_OK || n == sizeof file) {
        fputs("the file itself is refused, or too large\n", stderr);
        return 1;
    }
    long counts[BF_NEWER_FILE + 1] = {0}, n_mended_taken = 0;
    for (long i = 0; i < atol(argv[2]); ++i) {
        memcpy(mutant, file, n);
        const size_t left = mutated(mutant, n);
        const int changed = left != n || memcmp(mutant, file, n) != 0;
        const int mended = any(2) != 0;
        if (mended) {
            mend(mutant, left);
        }
        const bf_status status = read_copy(mutant, left);
        counts[status] += 1;
        n_mended_taken += status == BF_OK && changed && mended;
        if (status == BF_OK && changed && !mended) {
            fputs("a mutant is taken whose checksum is wrong\n", stderr);
            return 1;
        }
    }
    if (n_mended_taken == 0) {
        fputs("no mended mutant is taken: nothing behind the checksum was tried\n", stderr);
        return 1;
    }
    for (int status = 0; status <= BF_NEWER_FILE; ++status) {
        printf("%6ld  %s\n", counts[status], bf_status_text((bf_status)status));
    }
    return 0;
}
