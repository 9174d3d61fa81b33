/* Windows, mel filters and cosine transforms of bands. */
#include <math.h>

#include "birdfast.h"
#include "precise.h"

/* Terms of periodic cosine windows (F. J. Harris, Proceedings of the IEEE 66, 1978). */
static const double window_terms[][3] = {
    [BF_WINDOW_HANN] = {0.5, 0.5},
    [BF_WINDOW_HAMMING] = {0.54, 0.46},
    [BF_WINDOW_BLACKMAN] = {0.42, 0.5, 0.08},
    [BF_WINDOW_BOXCAR] = {1.0},
};

bf_status bf_window_values(bf_window_kind kind, int32_t n, double *values)
{
    if ((unsigned)kind > BF_WINDOW_BOXCAR || n < 1 || n > 1 << 20) {
        return BF_BAD_ARGUMENT;
    }
    const double *terms = window_terms[kind];
    for (int64_t i = 0; i <= n / 2; ++i) {
        double cosine, sine;
        bf_turn(i, n, &cosine, &sine);
        values[i] = terms[0] - terms[1] * cosine;
        if (terms[2] != 0) {
            bf_turn(2 * i, n, &cosine, &sine);
            values[i] += terms[2] * cosine;
        }
        values[i == 0 ? 0 : n - i] = values[i];
    }
    return BF_OK;
}

bf_status bf_dct_rows(int32_t n_rows, int32_t n_columns, double *rows)
{
    if (n_rows < 1 || n_rows > n_columns || n_columns >= 1 << 24) {
        return BF_BAD_ARGUMENT;
    }
    const double scale = sqrt(2.0 / n_columns);
    for (int64_t k = 0; k < n_rows; ++k) {
        for (int64_t i = 0; i < n_columns; ++i) {
            double cosine, sine;
            bf_turn((2 * i + 1) * k, 4 * (int64_t)n_columns, &cosine, &sine);
            rows[k * n_columns + i] = cosine * scale * (k == 0 ? sqrt(0.5) : 1);
        }
    }
    return BF_OK;
}

/* Slaney: linear below 1 kHz, 15 mel there, then 27 mel for a factor of 6.4. */
static const double hz_per_mel = 200.0 / 3, break_hz = 1000.0, break_mel = 1000.0 / (200.0 / 3);

static double log_step(void)
{
    return bf_log(6.4) / 27.0;
}

double bf_mel_from_hz(double hz, bf_mel_scale scale)
{
    if (scale == BF_MEL_HTK) {
        return 2595.0 * bf_log10(1.0 + hz / 700.0);
    }
    return hz < break_hz ? hz / hz_per_mel : break_mel + bf_log(hz / break_hz) / log_step();
}

double bf_mel_to_hz(double mel, bf_mel_scale scale)
{
    if (scale == BF_MEL_HTK) {
        return 700.0 * (bf_exp10(mel / 2595.0) - 1.0);
    }
    return mel < break_mel ? mel * hz_per_mel : break_hz * bf_exp(log_step() * (mel - break_mel));
}

/* The weights of a triangle at the bins, which are bin_hz apart; corners rise. */
static void triangle(const double corners_hz[3], double bin_hz, int32_t n_bins, double factor,
                     double *weights)
{
    const double up = corners_hz[1] - corners_hz[0], down = corners_hz[2] - corners_hz[1];
    for (int32_t k = 0; k < n_bins; ++k) {
        weights[k] = 0;
    }
    /* One more at both ends than there is room for, should a quotient be rounded. */
    int32_t k = (int32_t)fmin(fmax(corners_hz[0] / bin_hz - 1, 0), n_bins);
    for (; k < n_bins; ++k) {
        const double hz = k * bin_hz;
        const double rising = (hz - corners_hz[0]) / up, falling = (corners_hz[2] - hz) / down;
        if (falling <= 0) {
            break;
        }
        const double weight = rising < falling ? rising : falling;
        weights[k] = weight > 0 ? weight * factor : 0;
    }
}

bf_status bf_mel_filters(double rate_hz, int32_t n_fft, int32_t n_mels, double fmin_hz,
                         double fmax_hz, bf_mel_scale scale, int32_t normalize, double *weights)
{
    const int fits = rate_hz > 0 && rate_hz <= 1e12 && 0 <= fmin_hz && fmin_hz < fmax_hz &&
                     fmax_hz <= rate_hz / 2 && (unsigned)scale <= BF_MEL_HTK && n_fft >= 1 &&
                     n_mels >= 1 && n_mels < 1 << 24;
    if (!fits) {
        return BF_BAD_ARGUMENT;
    }
    const int32_t n_bins = n_fft / 2 + 1;
    const double lowest = bf_mel_from_hz(fmin_hz, scale), highest = bf_mel_from_hz(fmax_hz, scale);
    const double step = (highest - lowest) / (n_mels + 1);
    double corners_hz[3] = {0};
    for (int32_t i = 0; i < n_mels + 2; ++i) {
        const double mel = i == n_mels + 1 ? highest : i * step + lowest;
        corners_hz[0] = corners_hz[1];
        corners_hz[1] = corners_hz[2];
        corners_hz[2] = bf_mel_to_hz(mel, scale);
        if (i >= 2) {
            const double factor = normalize ? 2.0 / (corners_hz[2] - corners_hz[0]) : 1;
            triangle(corners_hz, rate_hz / n_fft, n_bins, factor,
                     weights + (size_t)(i - 2) * (size_t)n_bins);
        }
    }
    return BF_OK;
}
