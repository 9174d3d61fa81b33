#include "jobs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_HZ = 32000,
    SOUND_SAMPLES = RATE_HZ,
    HOP_SAMPLES = 320,
    N_FFT = 1024,
    N_MELS = 64,
    N_FRAMES = SOUND_SAMPLES / HOP_SAMPLES + 1,
    N_CENTROIDS = 700,
    N_NEAREST = 3,
    N_ROWS = 48,
    BLOCK_IN = 2205, /* 441 to 320 */
    BLOCK_OUT = 1600,
    STEP_IN = 1323,
    FIRST_OUT = 320,
    STEP_OUT = 960,
    N_BLOCKS = (SOUND_SAMPLES - BLOCK_IN) / STEP_IN + 1,
};

static float noise(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return (float)(int32_t)*seed * 0x1p-31f;
}

static float *noises(ptrdiff_t n, uint32_t seed)
{
    float *values = malloc((size_t)n * sizeof *values);
    for (ptrdiff_t i = 0; values != NULL && i < n; ++i) {
        values[i] = noise(&seed);
    }
    return values;
}

/* ---- objects */

static bf_status logmel_new(bf_spectrogram_tables **tables)
{
    bf_logmel_options options;
    bf_logmel_defaults(&options);
    options.rate_hz = RATE_HZ;
    options.n_fft = N_FFT;
    options.hop_samples = HOP_SAMPLES;
    options.n_mels = N_MELS;
    options.level = BF_LEVEL_NATURAL;
    options.offset = 1e-6;
    options.center = 1;
    return bf_logmel_new(&options, tables);
}

/* Bin k of the old rate for bin k of the new one, from both ends. */
static bf_status resampler_new(bf_resampler_tables **tables)
{
    int32_t rows[BLOCK_OUT];
    float weights[BLOCK_OUT];
    const int32_t fold_bins[2] = {700, 710}, folded_bins[2] = {900, 890};
    const float fold_weights[2] = {0.5f, 0.25f};
    for (int32_t k = 0; k < BLOCK_OUT; ++k) {
        rows[k] = k <= BLOCK_OUT / 2 ? k : BLOCK_IN - BLOCK_OUT + k;
        weights[k] = 1.0f / BLOCK_IN;
    }
    const bf_resampler_options options = {
        .n_in = BLOCK_IN,
        .n_out = BLOCK_OUT,
        .rows = rows,
        .weights = weights,
        .n_folds = 2,
        .fold_bins = fold_bins,
        .folded_bins = folded_bins,
        .fold_weights = fold_weights,
        .step_in = STEP_IN,
        .first_out = FIRST_OUT,
        .step_out = STEP_OUT,
    };
    return bf_resampler_new(&options, tables);
}

static bf_status books_new(const float *centroids, bf_codebook_tables **books)
{
    for (int search = 0; search < N_SEARCHES; ++search) {
        const bf_status status =
            bf_codebook_new(centroids, N_CENTROIDS, N_MELS, (bf_search)search, &books[search]);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

bf_status objects_new(objects *made)
{
    memset(made, 0, sizeof *made);
    made->sound = noises(SOUND_SAMPLES, 1);
    made->frames = noises((ptrdiff_t)N_FRAMES * N_MELS, 2);
    made->matrix = noises(N_ROWS * N_MELS, 3);
    float *centroids = noises((ptrdiff_t)N_CENTROIDS * N_MELS, 4);
    bf_status status = BF_NO_MEMORY;
    if (made->sound != NULL && made->frames != NULL && made->matrix != NULL && centroids != NULL) {
        status = logmel_new(&made->logmel);
        status = status == BF_OK ? books_new(centroids, made->books) : status;
        status = status == BF_OK ? resampler_new(&made->resampler) : status;
    }
    free(centroids);
    if (status != BF_OK) {
        objects_free(made);
    }
    return status;
}

void objects_free(objects *made)
{
    bf_resampler_free(made->resampler);
    for (int search = 0; search < N_SEARCHES; ++search) {
        bf_codebook_free(made->books[search]);
    }
    bf_spectrogram_free(made->logmel);
    free(made->matrix);
    free(made->frames);
    free(made->sound);
    memset(made, 0, sizeof *made);
}

/* ---- jobs that want scratch */

static bf_status scratch_of(size_t bytes, void **state)
{
    const size_t whole = (bytes / BF_ALIGNMENT + 1) * BF_ALIGNMENT;
    *state = aligned_alloc(BF_ALIGNMENT, whole);
    return *state == NULL ? BF_NO_MEMORY : BF_OK;
}

static bf_status begin_logmel(const objects *given, const bf_kernels *kernels, void **state)
{
    return scratch_of(bf_spectrogram_scratch(given->logmel, kernels), state);
}

static void run_logmel(const objects *given, const bf_kernels *kernels, void *state, void *out)
{
    const bf_framing framing = bf_spectrogram_framing(given->logmel);
    const bf_frames frames = {
        .audio = given->sound,
        .n_samples = SOUND_SAMPLES,
        .start = bf_framing_start(&framing, 0),
        .pad = framing.pad,
        .n_frames = N_FRAMES,
        .out = out,
        .frame_stride = N_MELS,
        .value_stride = 1,
    };
    bf_spectrogram_run(given->logmel, kernels, &frames, state);
}

static bf_status begin_project(const objects *given, const bf_kernels *kernels, void **state)
{
    (void)given;
    return scratch_of((N_MELS + N_ROWS) * (size_t)kernels->lanes * sizeof(float), state);
}

static void run_project(const objects *given, const bf_kernels *kernels, void *state, void *out)
{
    kernels->project(given->frames, N_MELS, N_FRAMES, N_MELS, -INFINITY, given->matrix, N_ROWS, out,
                     N_ROWS, state);
}

static bf_status begin_resample(const objects *given, const bf_kernels *kernels, void **state)
{
    return scratch_of(kernels->resample_scratch(bf_resampler_plan(given->resampler)), state);
}

static void run_resample(const objects *given, const bf_kernels *kernels, void *state, void *out)
{
    kernels->resample(bf_resampler_plan(given->resampler), given->sound, N_BLOCKS, out, state);
}

#define NEAREST(name, search)                                                                      \
    static bf_status begin_##name(const objects *given, const bf_kernels *kernels, void **state)   \
    {                                                                                              \
        return scratch_of(kernels->nearest_scratch(bf_codebook_plan(given->books[search])),        \
                          state);                                                                  \
    }                                                                                              \
    static void run_##name(const objects *given, const bf_kernels *kernels, void *state,           \
                           void *out)                                                              \
    {                                                                                              \
        int32_t *ids = out;                                                                        \
        float *distances = (float *)(ids + N_FRAMES * N_NEAREST);                                  \
        kernels->nearest(bf_codebook_plan(given->books[search]), given->frames, N_FRAMES,          \
                         N_NEAREST, ids, distances, state);                                        \
    }
NEAREST(all, BF_SEARCH_ALL)
NEAREST(float, BF_SEARCH_FLOAT)
NEAREST(int16, BF_SEARCH_INT16)
NEAREST(int8, BF_SEARCH_INT8)
NEAREST(tree, BF_SEARCH_TREE)
#define NEAREST_BYTES (N_FRAMES * N_NEAREST * (sizeof(int32_t) + sizeof(float)))

const job jobs[] = {
    {"log-mel", N_FRAMES * N_MELS * sizeof(float), begin_logmel, run_logmel, free},
    {"nearest-all", NEAREST_BYTES, begin_all, run_all, free},
    {"nearest-float", NEAREST_BYTES, begin_float, run_float, free},
    {"nearest-int16", NEAREST_BYTES, begin_int16, run_int16, free},
    {"nearest-int8", NEAREST_BYTES, begin_int8, run_int8, free},
    {"nearest-tree", NEAREST_BYTES, begin_tree, run_tree, free},
    {"project", N_FRAMES * N_ROWS * sizeof(float), begin_project, run_project, free},
    {"resample", N_BLOCKS * STEP_OUT * sizeof(float), begin_resample, run_resample, free},
};
const int n_jobs = sizeof jobs / sizeof *jobs;
