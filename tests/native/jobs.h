/* What the core does for a living, as small jobs: check.c holds them to their contract, count.c
 * counts their instructions, bits.c tells what comes of them. */
#ifndef JOBS_H
#define JOBS_H

#include "birdfast.h"

enum { N_SEARCHES = 5 };

/* What all threads share: objects that are read-only once they are made, and sound. */
typedef struct {
    float *sound; /* [SOUND_SAMPLES] */
    float *frames, *matrix;
    bf_spectrogram_tables *logmel;
    bf_codebook_tables *books[N_SEARCHES];
    bf_resampler_tables *resampler;
    bf_spectrogram_tables *heard; /* what the models hear and look up: no more is theirs */
    bf_codebook_tables *words;
    bf_stsg *model, *varied;
} objects;

bf_status objects_new(objects *made);
void objects_free(objects *made);

/* `begin` makes what one thread needs on one table, `run` does the work and allocates nothing. */
typedef struct {
    const char *name;
    size_t out_bytes;
    bf_status (*begin)(const objects *given, const bf_kernels *kernels, void **state);
    void (*run)(const objects *given, const bf_kernels *kernels, void *state, void *out);
    void (*end)(void *state);
} job;

extern const job jobs[];
extern const int n_jobs;

#endif
