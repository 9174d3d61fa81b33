/* Every constructor with every allocation failing once, and with arguments that cannot be: it says
 * so, hands out NULL and keeps nothing. Linked with @wrapped, without kernels.
 */
#include <math.h>
#include <stdio.h>

#include "birdfast.h"
#include "failing.h"

enum { N_FFT = 2048, N_BINS = N_FFT / 2 + 1, N_CENTROIDS = 1100, N_VALUES = 5 };

int32_t bf_fuses(void)
{
    return 0;
}

static float window[N_FFT], bands[3 * N_BINS], matrix[2 * 3], centroids[N_CENTROIDS * N_VALUES];
static float noise[N_CENTROIDS * 40];
static int32_t rows[96];

static bf_status spectrogram(bf_part part, int32_t exact, void **made)
{
    const bf_spectrogram_options options = {
        .n_fft = N_FFT,
        .frame_samples = N_FFT,
        .hop_samples = 100,
        .part = part,
        .window = window,
        .exact = exact,
        .last_bin = -1,
        .n_bands = 3,
        .bands = bands,
        .bias = matrix,
        .scale = 1,
        .n_rows = 2,
        .matrix = matrix,
    };
    bf_spectrogram_tables *tables;
    const bf_status status = bf_spectrogram_new(&options, &tables);
    *made = tables;
    return status;
}

static bf_status plain(void **made)
{
    return spectrogram(BF_PART_POWER, 0, made);
}
static bf_status folded(void **made)
{
    return spectrogram(BF_PART_REAL, 0, made);
}
static bf_status exact(void **made)
{
    return spectrogram(BF_PART_REAL, 1, made);
}

static bf_status mfcc(void **made)
{
    bf_logmel_options options;
    bf_logmel_defaults(&options);
    options.n_mfcc = 20;
    options.opensoundscape = 1;
    bf_spectrogram_tables *tables;
    const bf_status status = bf_logmel_new(&options, &tables);
    *made = tables;
    return status;
}

static bf_status codebook(bf_search search, void **made)
{
    bf_codebook_tables *tables;
    const bf_status status = bf_codebook_new(centroids, N_CENTROIDS, N_VALUES, search, &tables);
    *made = tables;
    return status;
}

static bf_status all(void **made)
{
    return codebook(BF_SEARCH_ALL, made);
}
static bf_status filters(void **made)
{
    return codebook(BF_SEARCH_INT8, made);
}
static bf_status tree(void **made)
{
    return codebook(BF_SEARCH_TREE, made);
}
static bf_status best_tree(void **made)
{
    return codebook(BF_SEARCH_BEST, made);
}

/* Of many values, that no tree tells apart. */
static bf_status best_filters(void **made)
{
    bf_codebook_tables *tables;
    const bf_status status = bf_codebook_new(noise, N_CENTROIDS, 40, BF_SEARCH_BEST, &tables);
    *made = tables;
    return status;
}

static bf_status resampler(void **made)
{
    static const int32_t bin = 3, folded_bin = 4;
    const bf_resampler_options options = {
        .n_in = 112,
        .n_out = 96,
        .rows = rows,
        .weights = window,
        .n_folds = 1,
        .fold_bins = &bin,
        .folded_bins = &folded_bin,
        .fold_weights = window,
        .step_in = 1,
        .step_out = 1,
    };
    bf_resampler_tables *tables;
    const bf_status status = bf_resampler_new(&options, &tables);
    *made = tables;
    return status;
}

static void free_spectrogram(void *made)
{
    bf_spectrogram_free(made);
}
static void free_codebook(void *made)
{
    bf_codebook_free(made);
}
static void free_resampler(void *made)
{
    bf_resampler_free(made);
}

static const struct {
    const char *name;
    bf_status (*make)(void **made);
    void (*free)(void *made);
} constructors[] = {
    {"plain", plain, free_spectrogram},
    {"folded", folded, free_spectrogram},
    {"exact", exact, free_spectrogram},
    {"mfcc", mfcc, free_spectrogram},
    {"all", all, free_codebook},
    {"filters", filters, free_codebook},
    {"tree", tree, free_codebook},
    {"best-tree", best_tree, free_codebook},
    {"best-filters", best_filters, free_codebook},
    {"resampler", resampler, free_resampler},
};

/* How often an allocation had to fail until there was none left that could; -1 for a broken law. */
static long failures(size_t c)
{
    for (long n = 0; n < 1000; ++n) {
        void *made = &n_held;
        fail(n);
        const bf_status status = constructors[c].make(&made);
        if (status == BF_OK) {
            constructors[c].free(made);
            return n_held == 0 ? n : -1;
        }
        if (status != BF_NO_MEMORY || made != NULL || n_held != 0) {
            return -1;
        }
    }
    return -1;
}

/* Whether options are refused, and nothing is kept of them. */
static int refused(bf_spectrogram_options options)
{
    bf_spectrogram_tables *tables = (void *)&n_held;
    const bf_status status = bf_spectrogram_new(&options, &tables);
    bf_spectrogram_free(tables);
    return status == BF_BAD_ARGUMENT && tables == NULL && n_held == 0;
}

#define REFUSED(FIELD, VALUE)                                                                      \
    do {                                                                                           \
        bf_spectrogram_options changed = fitting;                                                  \
        changed.FIELD = (VALUE);                                                                   \
        if (!refused(changed)) {                                                                   \
            printf("taken: %s = %s\n", #FIELD, #VALUE);                                            \
        }                                                                                          \
    } while (0)

static void refuse_spectrograms(void)
{
    const bf_spectrogram_options fitting = {
        .n_fft = 64,
        .frame_samples = 64,
        .hop_samples = 10,
        .window = window,
        .last_bin = 32,
        .n_bands = 3,
        .bands = bands,
        .scale = 1,
        .n_rows = 2,
        .matrix = matrix,
    };
    REFUSED(n_fft, 15);
    REFUSED(n_fft, 77);
    REFUSED(n_fft, -64);
    REFUSED(n_fft, 1 << 17);
    REFUSED(frame_samples, 0);
    REFUSED(frame_samples, 65);
    REFUSED(hop_samples, 0);
    REFUSED(hop_samples, 1 << 24);
    REFUSED(part, BF_PART_COMPLEX);
    REFUSED(part, (bf_part)4);
    REFUSED(window, NULL);
    REFUSED(last_bin, 33);
    REFUSED(last_bin, -2);
    REFUSED(last_bin, 3); /* a band has a weight above */
    REFUSED(n_bands, -1);
    REFUSED(bands, NULL);
    REFUSED(post, (bf_post)3);
    REFUSED(exponent, 10001);
    REFUSED(exponent, NAN);
    REFUSED(n_rows, -1);
    REFUSED(matrix, NULL);
    if (refused(fitting)) {
        printf("refused: what fits\n");
    }
}

static void refuse_codebooks(void)
{
    const struct {
        const float *centroids;
        ptrdiff_t n_centroids;
        int32_t n_values;
        bf_search search;
    } wrong[] = {
        {NULL, 3, 3, BF_SEARCH_ALL},       {centroids, 0, 3, BF_SEARCH_ALL},
        {centroids, -1, 3, BF_SEARCH_ALL}, {centroids, PTRDIFF_MAX, 3, BF_SEARCH_ALL},
        {centroids, 3, 0, BF_SEARCH_ALL},  {centroids, 3, BF_MAX_VALUES + 1, BF_SEARCH_ALL},
        {centroids, 3, 3, (bf_search)6},   {centroids, 3, 3, (bf_search)-1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        bf_codebook_tables *tables = (void *)&n_held;
        const bf_status status = bf_codebook_new(wrong[i].centroids, wrong[i].n_centroids,
                                                 wrong[i].n_values, wrong[i].search, &tables);
        if (status != BF_BAD_ARGUMENT || tables != NULL || n_held != 0) {
            printf("taken: codebook %d\n", (int)i);
        }
    }
}

static void refuse_values(void)
{
    double values[6];
    if (bf_window_values(BF_WINDOW_HANN, 0, values) != BF_BAD_ARGUMENT ||
        bf_window_values((bf_window_kind)4, 3, values) != BF_BAD_ARGUMENT ||
        bf_dct_rows(3, 2, values) != BF_BAD_ARGUMENT ||
        bf_dct_rows(0, 2, values) != BF_BAD_ARGUMENT ||
        bf_mel_filters(1, 2, 1, 0.5, 0.5, BF_MEL_HTK, 0, values) != BF_BAD_ARGUMENT ||
        bf_mel_filters(NAN, 2, 1, 0, 0.5, BF_MEL_HTK, 0, values) != BF_BAD_ARGUMENT) {
        printf("taken: values\n");
    }
}

int main(void)
{
    fail(-1);
    for (int32_t i = 0; i < N_FFT; ++i) {
        window[i] = 1;
    }
    bands[5] = bands[N_BINS + 7] = 1;
    for (int32_t i = 0; i < N_CENTROIDS * N_VALUES; ++i) {
        centroids[i] = (float)(i * 7919 % 1009);
    }
    uint32_t drawn = 1;
    for (int32_t i = 0; i < N_CENTROIDS * 40; ++i) {
        drawn = drawn * 1664525 + 1013904223;
        noise[i] = (float)(drawn >> 8);
    }
    refuse_spectrograms();
    refuse_codebooks();
    refuse_values();
    for (size_t c = 0; c < sizeof constructors / sizeof *constructors; ++c) {
        constructors[c].free(NULL);
        printf("%s %ld\n", constructors[c].name, failures(c));
    }
    return 0;
}
