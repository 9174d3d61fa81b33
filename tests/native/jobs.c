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
    PATCH_FRAMES = 4,
    N_VALUES = 32,
    DIM = 24,
    N_EMBEDDING = N_CENTROIDS + DIM + 3 * N_MELS,
    N_HIDDEN = 40,
    N_CLASSES = 20,
    WINDOW_FLOATS = N_CLASSES + N_EMBEDDING,
    PUSH_SAMPLES = RATE_HZ / 100,
    N_PUSHED_WINDOWS = 2,
    WINDOW_STEP = RATE_HZ / 2,
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

static bf_status logmel_new(int32_t center, bf_spectrogram_tables **tables)
{
    bf_logmel_options options;
    bf_logmel_defaults(&options);
    options.rate_hz = RATE_HZ;
    options.n_fft = N_FFT;
    options.hop_samples = HOP_SAMPLES;
    options.n_mels = N_MELS;
    options.level = BF_LEVEL_NATURAL;
    options.offset = 1e-6;
    options.center = center;
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

/* All numbers of a model, one behind the other, and what it is made of them. */
static bf_status models_new(objects *made)
{
    const ptrdiff_t n_projection = N_VALUES * PATCH_FRAMES * N_MELS;
    const ptrdiff_t n_numbers = n_projection + N_VALUES + N_CENTROIDS * (N_VALUES + DIM) + DIM +
                                3 * N_MELS + N_HIDDEN * N_EMBEDDING + N_HIDDEN +
                                N_CLASSES * N_HIDDEN + N_CLASSES;
    float *const numbers = noises(n_numbers, 5);
    if (numbers == NULL) {
        return BF_NO_MEMORY;
    }
    const float *at = numbers;
    const float *const projection = at, *const shift = at += n_projection;
    const float *const centroids = at += N_VALUES, *const embeddings = at += N_CENTROIDS * N_VALUES;
    const float *const embedding_mean = at += N_CENTROIDS * DIM, *const mean = at += DIM;
    const float *const hidden = at += 3 * N_MELS, *const hidden_bias = at += N_HIDDEN * N_EMBEDDING;
    const float *const last = at += N_HIDDEN, *const last_bias = at += N_CLASSES * N_HIDDEN;
    float deviation[3 * N_MELS];
    for (int i = 0; i < 3 * N_MELS; ++i) {
        deviation[i] = 1.0f + (float)i / N_MELS;
    }
    bf_status status = logmel_new(0, &made->heard);
    if (status == BF_OK) {
        status = bf_codebook_new(centroids, N_CENTROIDS, N_VALUES, BF_SEARCH_BEST, &made->words);
    }
    if (status == BF_OK) {
        const bf_token_stream stream = {
            .patch_frames = PATCH_FRAMES,
            .patch_step = 1,
            .less = BF_LESS_MEDIAN,
            .n_values = N_VALUES,
            .projection = projection,
            .shift = shift,
            .codebook = bf_codebook_plan(made->words),
            .n_tokens = N_CENTROIDS,
            .dim = DIM,
            .embeddings = embeddings,
            .embedding_mean = embedding_mean,
        };
        const bf_linear layers[2] = {
            {N_EMBEDDING, N_HIDDEN, hidden, hidden_bias},
            {N_HIDDEN, N_CLASSES, last, last_bias},
        };
        const bf_variant variants[2] = {{0, 1.0, 1.0f}, {1, 1.25, 0.5f}};
        bf_stsg_parts parts = {
            .rate_hz = RATE_HZ,
            .window_samples = SOUND_SAMPLES,
            .spectrogram = made->heard,
            .n_bands = N_MELS,
            .log = 1,
            .offset = 1e-6f,
            .n_streams = 1,
            .streams = &stream,
            .pooling = {BF_WEIGHTS_SQRT, N_NEAREST, 0.75, 1.0f, 0.5f, 1.0f, 1},
            .statistics_mean = mean,
            .statistics_deviation = deviation,
            .n_layers = 2,
            .layers = layers,
        };
        status = bf_stsg_new(&parts, &made->model);
        parts.n_variants = 2;
        parts.variants = variants;
        status = status == BF_OK ? bf_stsg_new(&parts, &made->varied) : status;
    }
    free(numbers);
    return status;
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
        status = logmel_new(1, &made->logmel);
        status = status == BF_OK ? books_new(centroids, made->books) : status;
        status = status == BF_OK ? resampler_new(&made->resampler) : status;
        status = status == BF_OK ? models_new(made) : status;
    }
    free(centroids);
    if (status != BF_OK) {
        objects_free(made);
    }
    return status;
}

void objects_free(objects *made)
{
    bf_stsg_free(made->varied);
    bf_stsg_free(made->model);
    bf_codebook_free(made->words);
    bf_spectrogram_free(made->heard);
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

/* ---- models */

static bf_status begin_window(const objects *given, const bf_kernels *kernels, void **state)
{
    return scratch_of(bf_stsg_scratch(given->model, kernels), state);
}

static void run_window(const objects *given, const bf_kernels *kernels, void *state, void *out)
{
    float *logits = out;
    bf_stsg_score(given->model, kernels, given->sound, 1, logits, logits + N_CLASSES, state);
}

static bf_status begin_varied(const objects *given, const bf_kernels *kernels, void **state)
{
    return scratch_of(bf_stsg_scratch(given->varied, kernels), state);
}

static void run_varied(const objects *given, const bf_kernels *kernels, void *state, void *out)
{
    float *logits = out;
    bf_stsg_score(given->varied, kernels, given->sound, 1, logits, logits + N_CLASSES, state);
}

static bf_status begin_push(const objects *given, const bf_kernels *kernels, void **state)
{
    bf_stream *stream;
    const bf_status status = bf_stream_new(given->model, kernels, WINDOW_STEP, &stream);
    *state = stream;
    return status;
}

static void end_push(void *state)
{
    bf_stream_free(state);
}

/* The sound and half of it again, in blocks of 10 ms: two windows. */
static void run_push(const objects *given, const bf_kernels *kernels, void *state, void *out)
{
    (void)kernels;
    float *into = out, *const end = into + N_PUSHED_WINDOWS * WINDOW_FLOATS;
    bf_stream_restart(state);
    for (int64_t at = 0; at < SOUND_SAMPLES + WINDOW_STEP; at += PUSH_SAMPLES) {
        const float *block = given->sound + at % SOUND_SAMPLES;
        size_t left = PUSH_SAMPLES, n_taken = 0;
        while (bf_stream_push(state, block, left, &n_taken) && into < end) {
            bf_window window;
            bf_stream_window(state, &window);
            memcpy(into, window.logits, N_CLASSES * sizeof *into);
            memcpy(into + N_CLASSES, window.embedding, N_EMBEDDING * sizeof *into);
            into += WINDOW_FLOATS;
            block += n_taken;
            left -= n_taken;
        }
    }
}

const job jobs[] = {
    {"log-mel", N_FRAMES * N_MELS * sizeof(float), begin_logmel, run_logmel, free},
    {"nearest-all", NEAREST_BYTES, begin_all, run_all, free},
    {"nearest-float", NEAREST_BYTES, begin_float, run_float, free},
    {"nearest-int16", NEAREST_BYTES, begin_int16, run_int16, free},
    {"nearest-int8", NEAREST_BYTES, begin_int8, run_int8, free},
    {"nearest-tree", NEAREST_BYTES, begin_tree, run_tree, free},
    {"project", N_FRAMES * N_ROWS * sizeof(float), begin_project, run_project, free},
    {"resample", N_BLOCKS * STEP_OUT * sizeof(float), begin_resample, run_resample, free},
    {"stsg-window", WINDOW_FLOATS * sizeof(float), begin_window, run_window, free},
    {"stsg-varied", WINDOW_FLOATS * sizeof(float), begin_varied, run_varied, free},
    {"push-10-ms", N_PUSHED_WINDOWS * WINDOW_FLOATS * sizeof(float), begin_push, run_push,
     end_push},
};
const int n_jobs = sizeof jobs / sizeof *jobs;
