/* Tables of transforms: factors, the order in which leaves take points, twiddles. */
#include "fft_tables.h"

#include "precise.h"

/* Radices that make up `n` of the odd ones, and what is left of it. */
static int32_t odd_radices(int32_t n, bf_fft *fft)
{
    static const int32_t odd[] = {3, 5, 7};
    for (int i = 0; i < 3; ++i) {
        for (; n % odd[i] == 0 && fft->n_passes < BF_MAX_PASSES; n /= odd[i]) {
            fft->radix[fft->n_passes++] = odd[i];
        }
    }
    return n;
}

/* Radices 8, then 4, whose product is 2 ** twos; twos is not 1. */
static void even_radices(int twos, bf_fft *fft)
{
    const int fours = (3 - twos % 3) % 3, eights = (twos - 2 * fours) / 3;
    for (int i = 0; i < eights + fours && fft->n_passes < BF_MAX_PASSES; ++i) {
        fft->radix[fft->n_passes++] = i < eights ? 8 : 4;
    }
}

/* A leaf of a few twos, then odd radices, then even ones; the same on every CPU, so the bits are.
 */
static int factor(int32_t n, bf_fft *fft)
{
    int twos = 0;
    for (; n > 0 && n % 2 == 0; n /= 2) {
        ++twos;
    }
    if (n < 1 || odd_radices(n, fft) != 1) {
        return 0;
    }
    if (twos == 0) {
        if (fft->n_passes == 0) {
            return 0;
        }
        fft->leaf = fft->radix[0];
        for (int32_t i = 1; i < fft->n_passes; ++i) {
            fft->radix[i - 1] = fft->radix[i];
        }
        fft->n_passes -= 1;
        return fft->n_passes > 0 && fft->leaf <= 5;
    }
    for (int leaf_twos = 4; leaf_twos >= 1; --leaf_twos) {
        const int left = twos - leaf_twos;
        if (left >= 2 || (left == 0 && fft->n_passes > 0)) {
            fft->leaf = 1 << leaf_twos;
            even_radices(left, fft);
            return 1;
        }
    }
    return 0;
}

static int64_t n_twiddles(const bf_fft *fft)
{
    int64_t n = 0, points = fft->leaf;
    for (int32_t i = 0; i < fft->n_passes; points *= fft->radix[i++]) {
        n += (points - 1) / 2 * (fft->radix[i] - 1);
    }
    return n;
}

/* The last pass first; they are written from the end on. */
static void fill_twiddles(const bf_fft *fft, int64_t end, float *floats, double *doubles)
{
    int64_t points = fft->leaf;
    for (int32_t i = 0; i < fft->n_passes; points *= fft->radix[i++]) {
        const int64_t ks = (points - 1) / 2, js = fft->radix[i] - 1;
        end -= ks * js;
        for (int64_t at = 0; at < ks * js; ++at) {
            double c, s;
            bf_turn((at / js + 1) * (at % js + 1), points * fft->radix[i], &c, &s);
            if (doubles != NULL) {
                doubles[2 * (end + at)] = c;
                doubles[2 * (end + at) + 1] = s;
            } else {
                floats[2 * (end + at)] = (float)c;
                floats[2 * (end + at) + 1] = (float)s;
            }
        }
    }
}

bf_status bf_fft_begin(bf_memory *memory, int32_t n, int exact, bf_fft *fft)
{
    fft->n_passes = 0;
    fft->n = n;
    if (!factor(n, fft)) {
        return BF_BAD_ARGUMENT;
    }
    int64_t points = fft->leaf;
    for (int32_t i = 0; i < fft->n_passes; ++i) {
        points *= fft->radix[i];
    }
    if (points != n) { /* more factors than there are passes */
        return BF_BAD_ARGUMENT;
    }
    const int64_t count = n_twiddles(fft);
    void *table = bf_take(memory, 2 * (size_t)count, exact ? sizeof(double) : sizeof(float));
    if (table == NULL) {
        return BF_NO_MEMORY;
    }
    fill_twiddles(fft, count, exact ? NULL : table, exact ? table : NULL);
    fft->twiddles = exact ? NULL : table;
    fft->exact_twiddles = exact ? table : NULL;
    return BF_OK;
}

/* The points first, first + stride, ..., n of them, in the order of a decimation in time. */
static void leaf_order(const bf_fft *fft, int32_t pass, int32_t n, int32_t first, int32_t stride,
                       int32_t *order)
{
    if (pass < 0) {
        for (int32_t i = 0; i < n; ++i) {
            order[i] = first + i * stride;
        }
        return;
    }
    const int32_t radix = fft->radix[pass], part = n / radix;
    for (int32_t i = 0; i < radix; ++i) {
        leaf_order(fft, pass - 1, part, first + i * stride, stride * radix, order + i * part);
    }
}

bf_status bf_fft_points(bf_memory *memory, bf_fft *fft, const int32_t *rows, const float *weights)
{
    const int32_t n = fft->n;
    int32_t *order = bf_take(memory, (size_t)n, sizeof *order);
    float *window = bf_take(memory, (size_t)n, sizeof *window);
    if (order == NULL || window == NULL) {
        return BF_NO_MEMORY;
    }
    leaf_order(fft, fft->n_passes - 1, n, 0, 1, order);
    for (int32_t i = 0; i < n; ++i) {
        const int32_t point = order[i];
        window[i] = weights == NULL ? 1 : weights[point];
        order[i] = rows == NULL ? point : rows[point];
    }
    fft->rows = order;
    fft->window = window;
    return BF_OK;
}

bf_status bf_plain_transform(bf_memory *memory, bf_spectrogram *plan, const float *window,
                             int exact)
{
    bf_fft *fft = &plan->transforms[0];
    const size_t n = (size_t)plan->n_fft;
    const bf_status status = bf_fft_begin(memory, plan->n_fft, exact, fft);
    if (status != BF_OK) {
        return status;
    }
    int32_t *rows = bf_take(memory, n, sizeof *rows);
    float *weights = bf_take(memory, n, sizeof *weights);
    if (rows == NULL || weights == NULL) {
        return BF_NO_MEMORY;
    }
    for (int32_t i = 0; i < plan->frame_samples; ++i) {
        rows[i] = i; /* behind the window it is the first sample, times 0 */
        weights[i] = window[i];
    }
    plan->n_transforms = 1;
    return bf_fft_points(memory, fft, rows, weights);
}
