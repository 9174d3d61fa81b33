/* The real part of a symmetrically windowed frame: folded, then a cosine transform (DCT-I) that is
 * doubled again and again. */
#include <math.h>

#include "fft_tables.h"
#include "precise.h"

int bf_folds(const bf_spectrogram *plan, const float *window, int exact)
{
    const int32_t n = plan->n_fft;
    if ((n & (n - 1)) != 0 || plan->frame_samples != n || n < 4 * BF_CORE_POINTS) {
        return 0;
    }
    /* Equal up to the rounding of whoever made the window, or where that would show, to the bit. */
    const float tolerance = exact ? 0 : 1e-7F;
    for (int32_t i = 1; i < n; ++i) {
        if (!(window[i] == window[n - i] || fabsf(window[i] - window[n - i]) <= tolerance)) {
            return 0;
        }
    }
    return 1;
}

/* The dense DCT-I that all starts from. */
static bf_status core(bf_memory *memory, bf_spectrogram *plan, const float *window, int exact)
{
    enum { POINTS = BF_CORE_POINTS + 1 };
    int32_t *rows = bf_take(memory, POINTS, sizeof *rows);
    int32_t *mirror_rows = bf_take(memory, POINTS, sizeof *mirror_rows);
    float *weights = bf_take(memory, POINTS, sizeof *weights);
    float *floats = exact ? NULL : bf_take(memory, POINTS * POINTS, sizeof *floats);
    double *doubles = exact ? bf_take(memory, POINTS * POINTS, sizeof *doubles) : NULL;
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    for (int32_t i = 0; i < POINTS; ++i) {
        rows[i] = i * (plan->n_fft / 2 / BF_CORE_POINTS);
        mirror_rows[i] = (plan->n_fft - rows[i]) % plan->n_fft;
        /* The first and the last have no mirror image: twice the same, times half the weight. */
        weights[i] = mirror_rows[i] == rows[i] ? window[rows[i]] / 2 : window[rows[i]];
    }
    for (int32_t at = 0; at < POINTS * POINTS; ++at) {
        double c, s;
        bf_turn((int64_t)(at / POINTS) * (at % POINTS), 2 * BF_CORE_POINTS, &c, &s);
        if (exact) {
            doubles[at] = c;
        } else {
            floats[at] = (float)c;
        }
    }
    plan->n_core = BF_CORE_POINTS;
    plan->core_rows = rows;
    plan->core_mirror_rows = mirror_rows;
    plan->core_window = weights;
    plan->core_matrix = floats;
    plan->exact_core_matrix = doubles;
    return BF_OK;
}

/* What turns a Fourier transform of n points into a DCT-II. */
static bf_status rotation(bf_memory *memory, bf_fft *fft, int exact)
{
    const int32_t n = fft->n;
    void *table = bf_take(memory, (size_t)n, exact ? sizeof(double) : sizeof(float));
    if (table == NULL) {
        return BF_NO_MEMORY;
    }
    float *floats = table;
    double *doubles = table;
    for (int32_t i = 0; i < n / 2; ++i) {
        double c, s;
        bf_turn(i + 1, 4 * (int64_t)n, &c, &s);
        if (exact) {
            doubles[2 * i] = c;
            doubles[2 * i + 1] = s;
        } else {
            floats[2 * i] = (float)c;
            floats[2 * i + 1] = (float)s;
        }
    }
    fft->rotation = exact ? NULL : floats;
    fft->exact_rotation = exact ? doubles : NULL;
    return BF_OK;
}

/* The DCT-II of every other one of 2n folded points, by a Fourier transform of n points in
 * Makhoul's order: every other point upwards, then those between downwards. */
static bf_status odd_points(bf_memory *memory, const bf_spectrogram *plan, const float *window,
                            int32_t n, int exact, bf_fft *fft)
{
    const int32_t spacing = plan->n_fft / 4 / n;
    bf_status status = bf_fft_begin(memory, n, exact, fft);
    if (status == BF_OK) {
        status = rotation(memory, fft, exact);
    }
    if (status != BF_OK) {
        return status;
    }
    int32_t *rows = bf_take(memory, (size_t)n, sizeof *rows);
    int32_t *mirror_rows = bf_take(memory, (size_t)n, sizeof *mirror_rows);
    float *weights = bf_take(memory, (size_t)n, sizeof *weights);
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    for (int32_t i = 0; i < n; ++i) {
        const int32_t point = i < n / 2 ? 2 * i : 2 * (n - 1 - i) + 1;
        rows[i] = spacing * (2 * point + 1);
        weights[i] = window[rows[i]];
    }
    status = bf_fft_points(memory, fft, rows, weights);
    for (int32_t i = 0; status == BF_OK && i < n; ++i) {
        mirror_rows[i] = plan->n_fft - fft->rows[i];
    }
    fft->mirror_rows = mirror_rows;
    return status;
}

bf_status bf_cosine_transforms(bf_memory *memory, bf_spectrogram *plan, const float *window,
                               int exact)
{
    bf_status status = core(memory, plan, window, exact);
    for (int32_t n = BF_CORE_POINTS; status == BF_OK && n <= plan->n_fft / 4; n *= 2) {
        bf_fft *fft = &plan->transforms[plan->n_transforms++];
        status = odd_points(memory, plan, window, n, exact, fft);
    }
    return status;
}
