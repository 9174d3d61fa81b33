/* Log-mel spectrograms and MFCCs in librosa's words, and as OpenSoundscape scales them. */
#include <math.h>

#include "precise.h"
#include "spectrogram_tables.h"

void bf_logmel_defaults(bf_logmel_options *options)
{
    *options = (bf_logmel_options){
        .rate_hz = 32000,
        .n_fft = 2048,
        .hop_samples = 512,
        .window = BF_WINDOW_HANN,
        .n_mels = 128,
        .mel_scale = BF_MEL_SLANEY,
        .mel_normalize = 1,
        .power = 2,
        .level = BF_LEVEL_NATURAL,
        .ref = 1,
        .pad = BF_PAD_ZERO,
    };
}

static int fits(const bf_logmel_options *o)
{
    const int level = (unsigned)o->level <= BF_LEVEL_DECIBELS && o->amin >= 0 && o->ref > 0 &&
                      isfinite(o->amin) && isfinite(o->ref) && isfinite(o->offset);
    const int padded = !o->center || (BF_PAD_ZERO <= o->pad && o->pad <= BF_PAD_EDGE);
    const int other = !o->opensoundscape || (o->n_fft % 2 == 0 && o->power == 2 && !o->center);
    return 16 <= o->n_fft && o->n_fft <= 65536 && 0 <= o->window_samples &&
           o->window_samples <= o->n_fft && 1 <= o->n_mels && o->n_mels < 1 << 24 &&
           (o->power == 1 || o->power == 2) && level && padded && other && 0 <= o->n_mfcc &&
           o->n_mfcc <= o->n_mels && !(o->n_mfcc > 0 && o->n_rows > 0);
}

/* Weights in double, as OpenSoundscape scales them: the power of a sine at its bin, one-sided, and
 * divided by the mean sum of a band's weights. */
static void rescale(double *weights, int32_t n_mels, int32_t n_bins, const double *window,
                    int32_t length, double *sums)
{
    for (int32_t b = 0; b < n_mels; ++b) {
        sums[b] = bf_sum(weights + (size_t)b * (size_t)n_bins, n_bins);
    }
    const double mean = bf_sum(sums, n_mels) / n_mels, gain = bf_sum(window, length);
    const double one_sided = 2.0 / (gain * gain);
    for (size_t i = 0; i < (size_t)n_mels * (size_t)n_bins; ++i) {
        weights[i] = weights[i] == 0 ? 0 : weights[i] / mean * one_sided;
    }
}

static float *rounded(bf_memory *memory, const double *values, size_t n)
{
    float *floats = bf_take(memory, n, sizeof *floats);
    for (size_t i = 0; floats != NULL && i < n; ++i) {
        floats[i] = (float)values[i];
    }
    return floats;
}

static bf_status take_tables(const bf_logmel_options *o, bf_memory *memory,
                             bf_spectrogram_options *into)
{
    const int32_t length = into->frame_samples, n_bins = o->n_fft / 2 + 1;
    const size_t n_weights = (size_t)o->n_mels * (size_t)n_bins;
    double *made = bf_take(memory, (size_t)length, sizeof *made);
    double *weights = bf_take(memory, n_weights, sizeof *weights);
    double *sums = bf_take(memory, (size_t)o->n_mels, sizeof *sums);
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    const double *window = o->window_values == NULL ? made : o->window_values;
    const double top_hz = o->fmax_hz == 0 ? o->rate_hz / 2 : o->fmax_hz;
    bf_status status = BF_OK;
    if (o->window_values == NULL) {
        status = bf_window_values(o->window, length, made);
    }
    if (status == BF_OK) {
        status = bf_mel_filters(o->rate_hz, o->n_fft, o->n_mels, o->fmin_hz, top_hz, o->mel_scale,
                                o->mel_normalize, weights);
    }
    if (status != BF_OK) {
        return status;
    }
    if (o->opensoundscape) {
        rescale(weights, o->n_mels, n_bins, window, length, sums);
    }
    into->window = rounded(memory, window, (size_t)length);
    into->n_bands = o->n_mels;
    into->bands = rounded(memory, weights, n_weights);
    into->n_rows = o->n_rows;
    into->matrix = o->matrix;
    if (o->n_mfcc > 0) {
        const size_t n = (size_t)o->n_mfcc * (size_t)o->n_mels;
        double *rows = bf_take(memory, n, sizeof *rows);
        if (rows == NULL || bf_dct_rows(o->n_mfcc, o->n_mels, rows) != BF_OK) {
            return BF_NO_MEMORY;
        }
        into->n_rows = o->n_mfcc;
        into->matrix = rounded(memory, rows, n);
    }
    return memory->failed ? BF_NO_MEMORY : BF_OK;
}

static void take_level(const bf_logmel_options *o, bf_spectrogram_options *into)
{
    const double usual = o->power == 2 ? 1e-10 : 1e-5;
    const double smallest = o->amin == 0 ? usual : o->amin;
    into->scale = 1;
    into->floor = -INFINITY;
    if (o->level != BF_LEVEL_LINEAR) {
        into->post = BF_POST_LOG;
        into->offset = (float)o->offset;
        into->floor = (float)smallest;
    }
    if (o->level == BF_LEVEL_DECIBELS) {
        const double decibels = o->power == 2 ? 10 : 20;
        const double zero = o->ref > smallest ? o->ref : smallest;
        into->scale = (float)(decibels / bf_log(10));
        into->shift = (float)(-decibels * bf_log10(zero));
    }
}

bf_status bf_logmel_new(const bf_logmel_options *options, bf_spectrogram_tables **tables)
{
    *tables = NULL;
    if (!fits(options)) {
        return BF_BAD_ARGUMENT;
    }
    const int32_t n_fft = options->n_fft;
    const int32_t length = options->window_samples == 0 ? n_fft : options->window_samples;
    bf_spectrogram_options into = {
        .n_fft = n_fft,
        .frame_samples = length,
        .hop_samples = options->hop_samples,
        .part = options->power == 2 ? BF_PART_POWER : BF_PART_MAGNITUDE,
        .subtract_mean = options->opensoundscape,
        .last_bin = -1,
        .exponent = 1,
    };
    bf_memory memory = {0};
    take_level(options, &into);
    bf_status status = take_tables(options, &memory, &into);
    if (status == BF_OK) {
        status = bf_spectrogram_new(&into, tables);
    }
    bf_give_back(&memory);
    if (status == BF_OK && !options->opensoundscape) {
        bf_framing *framing = &(*tables)->framing;
        framing->span_samples = n_fft;
        framing->lead_samples = (n_fft - length) / 2;
        framing->pad_samples = options->center ? n_fft / 2 : 0;
        framing->pad = options->center ? options->pad : BF_PAD_NONE;
    }
    return status;
}
