/* birdfast's compiled core: the contract of every kernel, and the table of them. C11 and C++17.
 *
 * Every CPU has the same kernels at its own vector width, in a table (bf_kernels). All tables give
 * the same bits: a lane is one output (a frame), no sum crosses lanes, and nothing is contracted.
 *
 * Kernels trust their arguments. They allocate nothing, keep nothing between calls, start no
 * threads, and read and write only what is said here; any number of threads may share a plan, each
 * with its own scratch and output. Sizes are counts of elements unless they say bytes. Nothing may
 * overlap an output, except where "in place" is allowed. Scratch is aligned to BF_ALIGNMENT bytes,
 * all else as its type; what is read or written is not NULL.
 */
#ifndef BIRDFAST_H
#define BIRDFAST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program was compiled for; it goes up when a size, an argument or a meaning changes. */
#define BF_ABI 2

#if defined(__GNUC__)
#define BF_EXPORT __attribute__((visibility("default")))
#else
#define BF_EXPORT
#endif

/* BF_ABI of the library itself: a program that loads it goes no further when this is another. */
BF_EXPORT int32_t bf_abi(void);

enum {
    BF_MAX_PASSES = 12,
    BF_MAX_TRANSFORMS = 16,
    BF_ALIGNMENT = 64,
    BF_BLOCK = 16,
    BF_BLOCKS_MULTIPLE = 4,
    BF_MAX_NEAREST = 8,
    BF_MAX_VALUES = 512,
    BF_INT16_STEPS = 32700,
    BF_INT8_STEPS = 127,
};

/* ---- status --------------------------------------------------------------------------------- */

/* What a constructor says. Kernels say nothing: they trust their arguments. */
typedef enum {
    BF_OK,
    BF_NO_MEMORY,
    BF_BAD_ARGUMENT, /* a value that cannot be, or values that do not fit each other */
    BF_BAD_FILE,     /* damaged, or something else */
    BF_NEWER_FILE,   /* of a later version than this library knows */
} bf_status;

/* The same in a few words, in English; never NULL. */
BF_EXPORT const char *bf_status_text(bf_status status);

/* ---- spectrogram ---------------------------------------------------------------------------- */

/* What is kept of a frame's transform X[k] = sum_n x[n] w[n] exp(-2 pi i k n / n_fft),
 * k = 0 .. n_fft / 2. */
typedef enum {
    BF_PART_POWER,     /* re^2 + im^2 */
    BF_PART_MAGNITUDE, /* sqrt(re^2 + im^2) */
    BF_PART_REAL,      /* re */
    BF_PART_COMPLEX,   /* re, im side by side: two values a bin */
} bf_part;

typedef enum {
    BF_POST_NONE,
    BF_POST_LOG, /* natural logarithm of max(v + offset, floor) */
    BF_POST_POW, /* v ** exponent, or (v * v) ** exponent when `square` is set */
} bf_post;

/* What a sample outside the recording counts as. */
typedef enum {
    BF_PAD_NONE,    /* no frame reaches outside: the caller's promise */
    BF_PAD_ZERO,    /* 0 */
    BF_PAD_REFLECT, /* mirrored about the first and the last sample, which are not repeated */
    BF_PAD_EDGE,    /* the first or the last sample */
} bf_pad;

/* A real DFT of n = leaf * radix[0] * radix[1] * ... points, decimated in time. Leaves are 2, 3, 4,
 * 5, 8 or 16 points, radices 3, 4, 5, 7 or 8; there is at least one radix.
 *
 * The points come in the order in which the leaves take them: point i is
 * window[i] * frame[rows[i]], or window[i] * (frame[rows[i]] + frame[mirror_rows[i]]). */
typedef struct {
    int32_t n;
    int32_t leaf;
    int32_t n_passes;
    int32_t radix[BF_MAX_PASSES];
    const float *twiddles;      /* last pass first; of a pass that makes s points s * r, for
                                   k = 1 .. (s - 1) / 2, j = 1 .. r - 1: cos, sin of
                                   2 pi j k / (s * r) */
    const int32_t *rows;        /* [n], each in [0, frame_samples) */
    const int32_t *mirror_rows; /* [n] likewise, or NULL */
    const float *window;        /* [n] */
    const double *exact_twiddles, *exact_rotation; /* of exact plans, in place of the floats */
    const float *rotation; /* [n / 2] pairs cos, sin of pi k / (2 n), k = 1 .. n / 2; only
                              in a cosine transform, whose n are even */
} bf_fft;

/* A short-time transform and what is made of it. The values of a frame are, in this order:
 * its bins; weighted sums of them, if there are bands; post(value) * scale + shift;
 * the product with `matrix`, if there is one. */
typedef struct {
    int32_t n_fft;
    int32_t frame_samples; /* <= n_fft; the rest is zeros */
    int32_t hop_samples;   /* >= 1 */
    bf_part part;

    /* Either one transform of n_fft points, or (n_core > 0) the real part of a symmetrically
     * windowed frame as a cosine transform (DCT-I) of n_fft / 2 + 1 folded points: a dense DCT-I of
     * n_core + 1 points, and transforms[i] of n_core << i points that double it each time, until
     * n_fft / 2. Its points 0 .. n_core are
     * core_window[i] * (frame[core_rows[i]] + frame[core_mirror_rows[i]]). */
    int32_t n_transforms;
    bf_fft transforms[BF_MAX_TRANSFORMS];
    int32_t n_core;
    const int32_t *core_rows;        /* [n_core + 1] */
    const int32_t *core_mirror_rows; /* [n_core + 1] */
    const float *core_window;        /* [n_core + 1] */
    const float *core_matrix;        /* [n_core + 1][n_core + 1] cos(pi i k / n_core) */
    const double *exact_core_matrix;
    int32_t last_bin; /* the bins are 0 .. last_bin; those above are left out */

    int32_t n_bands;            /* 0: the bins themselves are the values */
    const int32_t *band_bins;   /* [n_bands] first bin of the band */
    const int32_t *band_splits; /* [n_bands + 1] band b has weights[splits[b]] .. [splits[b+1]-1] */
    const float *band_weights;
    const float *band_bias; /* [n_bands] added to the sums, or NULL */

    bf_post post;
    int32_t square;
    float offset, floor;
    float exponent; /* at most 10,000 in size */
    float scale, shift;

    int32_t n_rows;      /* 0: no matrix */
    const float *matrix; /* [n_rows][n_bands, or the number of bins] */
} bf_spectrogram;

/* Where the audio is, and where the values go. Value v of frame f, which covers the samples
 * start + f * hop_samples ..., is written to out[f * frame_stride + v * value_stride]; strides may
 * be negative. */
typedef struct {
    const float *audio;
    ptrdiff_t n_samples;
    ptrdiff_t start; /* may be negative, or reach beyond the end, when pad is not BF_PAD_NONE */
    bf_pad pad;      /* REFLECT and EDGE need n_samples >= 1 */
    ptrdiff_t n_frames;
    float *out;
    ptrdiff_t frame_stride;
    ptrdiff_t value_stride;
} bf_frames;

/* ---- tokens --------------------------------------------------------------------------------- */

/* How the nearest centroids are looked for. All ways find the same ones. */
typedef enum {
    BF_SEARCH_ALL,   /* every distance is computed */
    BF_SEARCH_FLOAT, /* |c|^2 / 2 - x.c first, then the distances of those that may be nearest */
    BF_SEARCH_INT16, /* the same from vectors rounded to int16 */
    BF_SEARCH_INT8,  /* or to int8, where `fused` says that the CPU is quick at it: else int16 */
    BF_SEARCH_TREE,  /* boxes around groups of centroids, then the distances in the boxes near by */
    BF_SEARCH_BEST,  /* for bf_codebook_new: whichever it finds best; no codebook has it */
} bf_search;

/* Centroids in blocks of BF_BLOCK, in any order. The distance of centroid c from a frame x is
 * sum_j (x[j] - c[j])^2, in float, j upwards, every operation rounded; of equal ones the lowest id
 * comes first.
 *
 * Vectors are c - centre below where it says centred. int16 values q stand for
 * q * step, and |q| <= BF_INT16_STEPS in length, so that no sum of products overflows; int8 values
 * are BF_INT8_STEPS at most. */
typedef struct {
    bf_search search;
    int32_t n_values;    /* of a frame: 1 .. BF_MAX_VALUES */
    ptrdiff_t n_blocks;  /* a multiple of BF_BLOCKS_MULTIPLE */
    const float *blocks; /* [n_blocks][n_values][BF_BLOCK]; zeros where no centroid is */
    const int32_t *ids;  /* [n_blocks * BF_BLOCK] each once; -1 where no centroid is */

    /* FLOAT, INT16, INT8: half the squared lengths, +inf where no centroid is. `float_error` and
     * `int16_error` e say how wrong a computed |c|^2 / 2 - x.c may be: e (|c|^2 / 2 + |x||c|). */
    const float *rows;       /* [n_centroids][n_values], by id */
    const float *half_norms; /* [n_blocks * BF_BLOCK] */
    double longest;          /* the largest |c| */
    double float_error;

    /* INT16, INT8 */
    int32_t fused;                   /* bf_fuses(): AVX-512 may use VNNI */
    const float *centre;             /* [n_values] */
    const int16_t *pairs;            /* [n_blocks][half][BF_BLOCK][2]: values j and j + half,
                                        half = (n_values + 1) / 2 */
    const float *steps;              /* [n_blocks * BF_BLOCK] */
    const float *centred_half_norms; /* [n_blocks * BF_BLOCK] */
    double longest_centred;
    double int16_error;

    /* INT8: values j, j + quarter, j + 2 quarter, j + 3 quarter, quarter = (n_values + 3) / 4. */
    const int8_t *quads;         /* [n_blocks][quarter][BF_BLOCK][4] */
    const float *int8_steps;     /* [n_blocks * BF_BLOCK] */
    const int32_t *int8_offsets; /* [n_blocks * BF_BLOCK] -128 times the sum of a centroid's int8 */
    double int8_error;           /* the largest |c - its int8 q * step| */

    /* TREE: the smallest and the largest of each value in a block, and in a group of BF_BLOCK
     * blocks; +inf, -inf where there is none. */
    ptrdiff_t n_groups;
    const float *block_boxes; /* [n_groups][n_values][2][BF_BLOCK] */
    const float *group_boxes; /* [ceil(n_groups / BF_BLOCK)][n_values][2][BF_BLOCK] */
} bf_codebook;

/* ---- layers --------------------------------------------------------------------------------- */

/* y = weight x + bias, each sum from x[0] on; with `relu`, what is below 0 becomes 0. */
typedef struct {
    int32_t n_in, n_out; /* 1 .. 2^24 */
    int32_t relu;
    const float
        *blocks;       /* [ceil(n_out / BF_BLOCK)][n_in][BF_BLOCK] weights; zeros behind the last */
    const float *bias; /* [ceil(n_out / BF_BLOCK) * BF_BLOCK] */
} bf_layer;

/* ---- another rate ---------------------------------------------------------------------------- */

/* Sound at another rate, block by block: block b is made of the forward.n samples from b * step_in
 * on. Both transforms are Hartley's, h[k] = sum_i x[i] (cos + sin)(2 pi i k / n). To some bins of
 * the forward one is added what others are weighed: what is beyond the new rate's Nyquist frequency
 * comes in below it. The rows of the backward one are these bins, its window is the filter; of its
 * points, those from first_out on are the block's step_out samples. */
typedef struct {
    bf_fft forward;
    bf_fft backward;
    int32_t n_folds;
    const int32_t *fold_bins;   /* [n_folds] each in [0, forward.n) */
    const int32_t *folded_bins; /* [n_folds] likewise; none is a fold_bin */
    const float *fold_weights;  /* [n_folds] */
    int32_t step_in;            /* 1 .. forward.n */
    int32_t first_out;          /* first_out + step_out <= backward.n */
    int32_t step_out;
} bf_resampler;

/* Spectrograms in double, for those who must not see a transform's rounding (roots of bands that
 * hold nothing else). Frame and window are multiplied in float, every product rounded; bins are
 * rounded to float before their magnitude is taken: as networks do that keep frames and spectra as
 * floats. Takes plans with exact tables. */
typedef struct {
    int32_t lanes;
    size_t (*spectrogram_scratch)(const bf_spectrogram *plan);
    void (*spectrogram)(const bf_spectrogram *plan, const bf_frames *frames, void *scratch);
} bf_exact_kernels;

/* ---- the table of kernels ------------------------------------------------------------------- */

typedef struct {
    const char *name;
    int32_t lanes; /* floats in a vector */

    /* Bytes of scratch that `spectrogram` wants with this plan, whatever the audio. */
    size_t (*spectrogram_scratch)(const bf_spectrogram *plan);

    /* All frames of `frames`; scratch is aligned to BF_ALIGNMENT. */
    void (*spectrogram)(const bf_spectrogram *plan, const bf_frames *frames, void *scratch);

    /* out[i] = ((x[i] - min) / (max(x - min) + 1e-6) - 0.5) * 2, in this order of operations.
     * NaN are passed over by min and max and stay NaN. In place is allowed. */
    void (*normalize)(const float *x, ptrdiff_t n, float *out);

    /* Row r of out = matrix [n_out][n_in] times row r of x [n_rows][n_in], whose values are first
     * raised to `floor` (-inf: not at all). Rows of x are x_stride apart and may overlap, those of
     * out out_stride. Scratch holds (n_in + n_out) * lanes floats and is aligned to
     * BF_ALIGNMENT. */
    void (*project)(const float *x, ptrdiff_t x_stride, ptrdiff_t n_rows, int32_t n_in, float floor,
                    const float *matrix, int32_t n_out, float *out, ptrdiff_t out_stride,
                    void *scratch);

    /* Of every column of x [n_rows][n_columns], n_rows >= 1: out [3][n_columns] = mean, standard
     * deviation, standard deviation of the difference of a row and the one before (0 for one row).
     * Divided by the number of rows, and of differences. */
    void (*statistics)(const float *x, ptrdiff_t n_rows, int32_t n_columns, float *out);

    /* The median of every column of x [n_rows][n_columns], n_rows >= 1, finite: out [n_columns];
     * the lower one of two. */
    void (*medians)(const float *x, ptrdiff_t n_rows, int32_t n_columns, float *out);

    /* Natural logarithm: below 1 ulp. -inf for 0, NaN for x < 0. In place is allowed. */
    void (*log)(const float *x, ptrdiff_t n, float *out);

    /* Exponential: below 2 ulp. In place is allowed. */
    void (*exp)(const float *x, ptrdiff_t n, float *out);

    /* x ** exponent, for |exponent| <= 10,000: below 2 ulp for |exponent| <= 1, else below
     * |exponent| + 2. NaN for x < 0 and for NaN. In place is allowed. */
    void (*pow)(const float *x, ptrdiff_t n, float exponent, float *out);

    /* Bytes of scratch that `nearest` wants. */
    size_t (*nearest_scratch)(const bf_codebook *book);

    /* The n (1 .. BF_MAX_NEAREST) nearest centroids of every frame, nearest first:
     * ids [n_frames][n], and unless it is NULL, distances [n_frames][n]. Where there are fewer
     * centroids, and for frames with a NaN or an infinity: -1 and +inf. */
    void (*nearest)(const bf_codebook *book, const float *frames, ptrdiff_t n_frames, int32_t n,
                    int32_t *ids, float *distances, void *scratch);

    /* Every row of x [n_rows][n] divided by its length (at least 1e-12), in place; its squares are
     * added up from the first on. Scratch holds n * lanes floats and is aligned to BF_ALIGNMENT. */
    void (*unit_rows)(float *x, ptrdiff_t n_rows, int32_t n, void *scratch);

    /* out[dim] = the sum of the rows tokens[i] of table [][dim], each times weights[i], i upwards.
     */
    void (*pool)(const float *table, int32_t dim, const int32_t *tokens, const float *weights,
                 int32_t n, float *out);

    /* Every row of x [n_rows][n_in] through a layer: out [n_rows][n_out]. Rows are strides apart.
     * Scratch holds 2 n_in floats. */
    void (*dense)(const bf_layer *layer, const float *x, ptrdiff_t x_stride, ptrdiff_t n_rows,
                  float *out, ptrdiff_t out_stride, void *scratch);

    /* Bytes of scratch that `resample` wants. */
    size_t (*resample_scratch)(const bf_resampler *plan);

    /* n_blocks blocks of (n_blocks - 1) * step_in + forward.n samples: out [n_blocks][step_out]. */
    void (*resample)(const bf_resampler *plan, const float *in, ptrdiff_t n_blocks, float *out,
                     void *scratch);

    const bf_exact_kernels *exact;
} bf_kernels;

/* Whether this CPU adds up products of int16 in one instruction of 16 lanes (AVX-512 VNNI). */
BF_EXPORT int32_t bf_fuses(void);

/* The i-th table that this CPU can run, slowest first; NULL when i is past the last. */
BF_EXPORT const bf_kernels *bf_table(int32_t i);

/* The table of that name; NULL when there is none, or this CPU cannot run it. */
BF_EXPORT const bf_kernels *bf_table_named(const char *name);

/* The table that BIRDFAST_CPU names in the environment, or the fastest when it is unset or empty;
 * NULL when it names none that runs here. */
BF_EXPORT const bf_kernels *bf_table_chosen(void);

/* ---- constructors --------------------------------------------------------------------------- */

/* They make the tables of kernels' plans, copy all that they are given, and hand an object out; on
 * any other status than BF_OK they hand out NULL and keep nothing. They alone allocate. Objects are
 * read-only: any number of threads may share one. `_free` takes NULL, too.
 *
 * Tables are the same to the bit on every machine: sines and cosines are made of whole numbers of
 * parts of a turn, and neither they nor logarithms are left to the machine's library. */

typedef enum {
    BF_WINDOW_HANN,
    BF_WINDOW_HAMMING,
    BF_WINDOW_BLACKMAN,
    BF_WINDOW_BOXCAR,
} bf_window_kind;

/* values [n] of a periodic window, 1 <= n <= 2**20: as scipy.signal.get_window makes it. */
BF_EXPORT bf_status bf_window_values(bf_window_kind kind, int32_t n, double *values);

/* rows [n_rows][n_columns], n_rows <= n_columns: the first ones of the orthonormal DCT-II. */
BF_EXPORT bf_status bf_dct_rows(int32_t n_rows, int32_t n_columns, double *rows);

typedef enum {
    BF_MEL_SLANEY, /* linear below 1 kHz, logarithmic above */
    BF_MEL_HTK,    /* 2595 log10(1 + hz / 700) */
} bf_mel_scale;

BF_EXPORT double bf_mel_from_hz(double hz, bf_mel_scale scale); /* hz >= 0 */
BF_EXPORT double bf_mel_to_hz(double mel, bf_mel_scale scale);

/* weights [n_mels][n_fft / 2 + 1] of triangles that are evenly spaced in mel, 0 <= fmin_hz <
 * fmax_hz <= rate_hz / 2, as librosa.filters.mel makes them; with `normalize` each is divided by
 * half its width in hertz. */
BF_EXPORT bf_status bf_mel_filters(double rate_hz, int32_t n_fft, int32_t n_mels, double fmin_hz,
                                   double fmax_hz, bf_mel_scale scale, int32_t normalize,
                                   double *weights);

/* Which samples each frame reads. Frame f has a span of span_samples from
 * f * hop_samples - pad_samples on, and exists if that ends within the padded recording. Of the
 * span it reads window_samples, from lead_samples on. */
typedef struct {
    int32_t window_samples, hop_samples, span_samples, lead_samples, pad_samples;
    bf_pad pad; /* BF_PAD_NONE where pad_samples is 0 */
} bf_framing;

/* The number of frames in so many samples: none in no samples. */
BF_EXPORT ptrdiff_t bf_framing_count(const bf_framing *framing, ptrdiff_t n_samples);

/* The sample at which a frame's window starts: what bf_frames.start is for the first of several. */
BF_EXPORT ptrdiff_t bf_framing_start(const bf_framing *framing, ptrdiff_t frame);

/* A short-time transform of any window and bands: bf_spectrogram has the meaning of all that is not
 * told here. */
typedef struct {
    int32_t n_fft;         /* 16 .. 65,536: a product of 2, 3 and 5 */
    int32_t frame_samples; /* 1 .. n_fft */
    int32_t hop_samples;   /* 1 .. 2**24 - 1 */
    bf_part part;
    const float *window;   /* [frame_samples] */
    int32_t subtract_mean; /* from each frame, before the window; without padding alone */
    int32_t exact;         /* transform in double, see bf_exact_kernels */
    int32_t last_bin;      /* -1: the highest that a band has a weight for, or n_fft / 2 */
    int32_t n_bands;       /* 0: none, the bins themselves */
    const float *bands;    /* [n_bands][n_fft / 2 + 1], or NULL; not of BF_PART_COMPLEX */
    const float *bias;     /* [n_bands] or NULL */
    bf_post post;
    int32_t square;
    float offset, floor, exponent; /* floor: -INFINITY for none */
    float scale, shift;            /* scale: 1 to leave values as they are */
    int32_t n_rows;                /* 0: no matrix */
    const float *matrix;           /* [n_rows][n_bands, or values of the bins] or NULL */
} bf_spectrogram_options;

typedef enum { BF_LEVEL_LINEAR, BF_LEVEL_NATURAL, BF_LEVEL_DECIBELS } bf_level;

/* A log-mel spectrogram or MFCCs in librosa's words; bf_logmel_defaults sets what librosa would. */
typedef struct {
    double rate_hz;
    int32_t n_fft, hop_samples;
    int32_t window_samples; /* 0: n_fft; a shorter window lies in the middle of n_fft samples */
    bf_window_kind window;
    const double *window_values; /* [window_samples] in place of `window`, or NULL */
    int32_t n_mels;
    double fmin_hz, fmax_hz; /* fmax_hz 0: rate_hz / 2 */
    bf_mel_scale mel_scale;
    int32_t mel_normalize;
    int32_t power;          /* 2: of the bins' power, 1: of their magnitude */
    bf_level level;         /* of a band's value v: v, log(max(v + offset, amin)), or decibels: */
    double offset, amin;    /* 10 log10(max(v + offset, amin) / ref), with power 1 twice that; */
    double ref;             /* amin > 0 (0: 1e-10, with power 1 1e-5); ref > 0 */
    int32_t n_mfcc;         /* 0: the bands themselves; else that many rows of a DCT of them */
    int32_t n_rows;         /* another matrix in place of the DCT, as in bf_spectrogram_options */
    const float *matrix;    /* [n_rows][n_mels] or NULL */
    int32_t center;         /* pad n_fft / 2 samples at both ends */
    bf_pad pad;             /* and with what: not BF_PAD_NONE */
    int32_t opensoundscape; /* scaled as its MelSpectrogram.from_audio(scaling="spectrum"), each
                               frame less its mean; even n_fft, power 2, no padding */
} bf_logmel_options;

BF_EXPORT void bf_logmel_defaults(bf_logmel_options *options);

typedef struct bf_spectrogram_tables bf_spectrogram_tables;

BF_EXPORT bf_status bf_spectrogram_new(const bf_spectrogram_options *options,
                                       bf_spectrogram_tables **tables);
BF_EXPORT bf_status bf_logmel_new(const bf_logmel_options *options, bf_spectrogram_tables **tables);
BF_EXPORT void bf_spectrogram_free(bf_spectrogram_tables *tables);

/* What kernels take (where frames lose their means, hop_samples is frame_samples there). */
BF_EXPORT const bf_spectrogram *bf_spectrogram_plan(const bf_spectrogram_tables *tables);
BF_EXPORT bf_framing bf_spectrogram_framing(const bf_spectrogram_tables *tables);
BF_EXPORT int32_t bf_spectrogram_values(const bf_spectrogram_tables *tables); /* of a frame */

/* Bytes of scratch that bf_spectrogram_run wants, whatever the audio, and all frames of `frames`;
 * scratch is aligned to BF_ALIGNMENT. They differ from a kernel where frames lose their means. */
BF_EXPORT size_t bf_spectrogram_scratch(const bf_spectrogram_tables *tables,
                                        const bf_kernels *kernels);
BF_EXPORT void bf_spectrogram_run(const bf_spectrogram_tables *tables, const bf_kernels *kernels,
                                  const bf_frames *frames, void *scratch);

typedef struct bf_codebook_tables bf_codebook_tables;

/* Of finite centroids [n_centroids][n_values], n_centroids 1 .. 2**28 / n_values. BF_SEARCH_BEST
 * chooses by the centroids alone, so that every CPU searches in the same way; where squared lengths
 * would overflow, filters give way to BF_SEARCH_ALL. */
BF_EXPORT bf_status bf_codebook_new(const float *centroids, ptrdiff_t n_centroids, int32_t n_values,
                                    bf_search search, bf_codebook_tables **tables);
BF_EXPORT void bf_codebook_free(bf_codebook_tables *tables);
BF_EXPORT const bf_codebook *bf_codebook_plan(const bf_codebook_tables *tables);

/* bf_resampler has the meaning of each. Lengths are products of 2, 3, 5 and 7, as bf_fft takes
 * them, 16 .. 2**20. */
typedef struct {
    int32_t n_in, n_out;        /* points of the forward and of the backward transform */
    const int32_t *rows;        /* [n_out] of each bin of the new rate the bin of the old one */
    const float *weights;       /* [n_out] and how much of it */
    int32_t n_folds;            /* 0: none */
    const int32_t *fold_bins;   /* [n_folds] */
    const int32_t *folded_bins; /* [n_folds] */
    const float *fold_weights;  /* [n_folds] */
    int32_t step_in, first_out, step_out;
} bf_resampler_options;

typedef struct bf_resampler_tables bf_resampler_tables;

BF_EXPORT bf_status bf_resampler_new(const bf_resampler_options *options,
                                     bf_resampler_tables **tables);
BF_EXPORT void bf_resampler_free(bf_resampler_tables *tables);
BF_EXPORT const bf_resampler *bf_resampler_plan(const bf_resampler_tables *tables);

/* ---- models and streams --------------------------------------------------------------------- */

/* An STSG model: sound to bands, bands to tokens, tokens to an embedding, that to logits. It is
 * read-only once it is made, and any number of threads may share it. Names are those of a trained
 * model's manifest and arrays. */

/* What is taken away from a window's bands: nothing; their mean; their median (the lower one of
 * two), with what is then below 0 set to 0. */
typedef enum { BF_LESS_NONE, BF_LESS_MEAN, BF_LESS_MEDIAN } bf_less;

/* What a token weighs: its share of the votes, the root of that, or the share times idf. */
typedef enum { BF_WEIGHTS_MEAN, BF_WEIGHTS_SQRT, BF_WEIGHTS_TF_IDF } bf_weighting;

/* A stream of tokens. A patch is patch_frames rows of bands, one beginning every patch_step; a
 * frame of the codebook is the patch, or projection patch - shift. */
typedef struct {
    int32_t patch_frames, patch_step; /* 1 .. 1000 */
    bf_less less;
    int32_t unit_length;         /* frames are scaled to length 1 */
    int32_t n_values;            /* of a frame of the codebook */
    const float *projection;     /* [n_values][patch_frames * n_bands], or NULL */
    const float *shift;          /* [n_values], with a projection */
    const bf_codebook *codebook; /* of the caller, who keeps it as long as the model; or NULL */
    int32_t n_tokens;
    int32_t dim;                 /* of the embeddings; 0 without */
    const float *embeddings;     /* [n_tokens][dim] */
    const float *idf;            /* [n_tokens], for BF_WEIGHTS_TF_IDF */
    const float *embedding_mean; /* [dim], with unit_length of the pooling */
} bf_token_stream;

/* From votes to an embedding: of each stream histogram * weights, embedding * (the embeddings by
 * their weights); then statistics * (mean, deviation and deviation of the difference of bands).
 * Parts of weight 0 are left out. With unit_length each is scaled to length 1 first. */
typedef struct {
    bf_weighting kind;
    int32_t n_nearest; /* 1 .. BF_MAX_NEAREST centroids that share a vote by 1 / distance */
    double loudest;    /* the share of patches that vote, above 0 */
    float embedding, histogram, statistics;
    int32_t unit_length;
} bf_pooling;

/* A variant of a window's bands, over which its embedding is averaged: all of them moved up by
 * shift_mels, `stretch` times as long (1/4 to 4), `gain` times the power. */
typedef struct {
    int32_t shift_mels;
    double stretch;
    float gain;
} bf_variant;

typedef struct {
    int32_t n_in, n_out;
    const float *weight; /* [n_out][n_in] */
    const float *bias;   /* [n_out] */
} bf_linear;

typedef enum { BF_ACTIVATION_NONE, BF_ACTIVATION_SIGMOID, BF_ACTIVATION_SOFTMAX } bf_activation;

/* A model as far as it is trained: without a spectrogram it has no windows, without codebooks no
 * tokens, without layers no logits. Everything is copied but spectrogram and codebooks, and the
 * embeddings where they are borrowed. */
typedef struct {
    int32_t rate_hz;
    int64_t window_samples;
    const bf_spectrogram_tables *spectrogram; /* without padding; of the caller, who keeps it as
                                                 long as the model */
    int32_t n_bands;
    int32_t log; /* bands are log(power + offset): what a gain needs to know */
    float offset;
    int32_t n_streams;
    const bf_token_stream *streams;
    int32_t
        borrows_embeddings; /* else copied: of the caller, who keeps them as long as the model */
    bf_pooling pooling;
    const float *statistics_mean, *statistics_deviation; /* [3 n_bands], with unit_length */
    int32_t n_variants;
    const bf_variant *variants;
    int32_t n_layers; /* with ReLU between them */
    const bf_linear *layers;
    const char *const *class_names; /* [n_classes] UTF-8, or NULL */
    const double *thresholds; /* [n_classes] confidences from which on a class counts as found, or
                                 NULL; above 1: never */
    bf_activation activation; /* what makes confidences of logits */
} bf_stsg_parts;

typedef struct bf_stsg bf_stsg;

/* BF_BAD_ARGUMENT where the parts do not fit one another; what they point to is trusted. */
BF_EXPORT bf_status bf_stsg_new(const bf_stsg_parts *parts, bf_stsg **model);
BF_EXPORT void bf_stsg_free(bf_stsg *model);

/* What a model can be asked for, by what it has: windows to logits, or one step of that. The calls
 * below trust that it can. */
typedef enum { BF_CAN_SCORE, BF_CAN_DESCRIBE, BF_CAN_POOL, BF_CAN_JUDGE } bf_ability;
BF_EXPORT int32_t bf_stsg_can(const bf_stsg *model, bf_ability ability);

BF_EXPORT int32_t bf_stsg_rate_hz(const bf_stsg *model);
BF_EXPORT int64_t bf_stsg_window_samples(const bf_stsg *model);
BF_EXPORT int32_t bf_stsg_n_classes(const bf_stsg *model);
BF_EXPORT int32_t bf_stsg_n_embedding(const bf_stsg *model);
BF_EXPORT int32_t bf_stsg_n_tokens(const bf_stsg *model); /* of all streams */
BF_EXPORT int32_t bf_stsg_n_bands(const bf_stsg *model);
BF_EXPORT bf_activation bf_stsg_activation(const bf_stsg *model);
BF_EXPORT const char *bf_stsg_class_name(const bf_stsg *model, int32_t i); /* "": none is known */
BF_EXPORT double bf_stsg_threshold(const bf_stsg *model, int32_t i);       /* below 0: none */

/* A model out of a file that `birdfast export MODEL/ -o model.bft` wrote, which nothing is believed
 * of: BF_BAD_FILE where it is damaged, BF_NEWER_FILE where a later version wrote it. The bytes are
 * not needed afterwards. */
BF_EXPORT bf_status bf_stsg_read(const void *bytes, size_t n, bf_stsg **model);

/* Bytes of scratch, aligned to BF_ALIGNMENT, that the calls below want for windows of the model's
 * length, and `describe` for n_frames rows of bands. */
BF_EXPORT size_t bf_stsg_scratch(const bf_stsg *model, const bf_kernels *kernels);
BF_EXPORT size_t bf_stsg_describe_scratch(const bf_stsg *model, const bf_kernels *kernels,
                                          int64_t n_frames);

/* Logits [n][n_classes] and embeddings [n][n_embedding] of windows [n][window_samples]. A window's
 * bits are the same whatever is asked with it. */
BF_EXPORT void bf_stsg_score(const bf_stsg *model, const bf_kernels *kernels, const float *windows,
                             int64_t n, float *logits, float *embedding, void *scratch);

/* The parts of that. Votes [n_tokens] for the tokens of all streams, one behind the other, and
 * statistics [3 n_bands], of bands [n_frames][n_bands]. */
BF_EXPORT void bf_stsg_describe(const bf_stsg *model, const bf_kernels *kernels, const float *bands,
                                int64_t n_frames, float *votes, float *statistics, void *scratch);

/* An embedding of votes and statistics; scratch holds 2 n_tokens floats. */
BF_EXPORT void bf_stsg_pool(const bf_stsg *model, const bf_kernels *kernels, const float *votes,
                            const float *statistics, float *embedding, void *scratch);

/* Logits [n][n_classes] of embeddings [n][n_embedding], which a model of layers alone takes as they
 * are; scratch as bf_stsg_scratch says. */
BF_EXPORT void bf_stsg_logits(const bf_stsg *model, const bf_kernels *kernels,
                              const float *embedding, int64_t n, float *logits, void *scratch);

/* The variant of bands [n_frames][n_bands]: bf_varied_frames() rows of out. */
BF_EXPORT int64_t bf_varied_frames(const bf_variant *variant, int64_t n_frames);
BF_EXPORT void bf_vary(const bf_variant *variant, const bf_kernels *kernels, const float *bands,
                       int64_t n_frames, int32_t n_bands, int32_t log, float offset, float *out);

/* Sound as it comes: windows of a model every step_samples, scored as soon as they are complete,
 * with the same bits as bf_stsg_score. One thread a stream; any number of streams a model, which
 * must outlive them. Nothing is allocated after _new. */
typedef struct bf_stream bf_stream;

typedef struct {
    int64_t start_sample;
    const float *logits;    /* [n_classes] */
    const float *embedding; /* [n_embedding] */
    const int32_t
        *tokens; /* [n_tokens] of its first stream of tokens, of those patches that vote */
    int64_t n_tokens;
} bf_window; /* the pointers are the stream's, until the next push */

BF_EXPORT bf_status bf_stream_new(const bf_stsg *model, const bf_kernels *kernels,
                                  int64_t step_samples, bf_stream **stream);
BF_EXPORT void bf_stream_free(bf_stream *stream);

/* Take samples until a window is complete (1: `bf_stream_window` has it, and *n_taken of them are
 * taken: push the rest) or all are taken (0). */
BF_EXPORT int32_t bf_stream_push(bf_stream *stream, const float *samples, size_t n,
                                 size_t *n_taken);
BF_EXPORT int32_t bf_stream_push_int16(bf_stream *stream, const int16_t *samples, size_t n,
                                       size_t *n_taken);
BF_EXPORT void bf_stream_window(const bf_stream *stream, bf_window *window);

/* As new: the next sample pushed is number 0. */
BF_EXPORT void bf_stream_restart(bf_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
