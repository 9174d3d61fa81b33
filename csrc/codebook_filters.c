/* What rules centroids out: lengths, and vectors rounded to whole steps of their own. */
#include <math.h>

#include "codebook_tables.h"

static const double smallest_step = 1e-20, roundoff = 0x1p-24;

static float *centre_of(bf_memory *memory, const float *centroids, ptrdiff_t n, int32_t n_values)
{
    float *centre = bf_take(memory, (size_t)n_values, sizeof *centre);
    double sums[BF_MAX_VALUES] = {0};
    for (ptrdiff_t i = 0; i < n * n_values; i += n_values) {
        for (int32_t j = 0; j < n_values; ++j) {
            sums[j] += centroids[i + j];
        }
    }
    for (int32_t j = 0; centre != NULL && j < n_values; ++j) {
        centre[j] = (float)(sums[j] / (double)n);
    }
    return centre;
}

static double energy_of(const double *row, int32_t n_values)
{
    double energy = 0;
    for (int32_t j = 0; j < n_values; ++j) {
        energy += row[j] * row[j];
    }
    return energy;
}

/* To int16, of a centroid's length a step: where its values lie among the pairs of its block. */
static void round_to_int16(const double *row, int32_t n_values, float step, int16_t *pairs)
{
    const int32_t half = (n_values + 1) / 2;
    for (int32_t j = 0; j < n_values; ++j) {
        pairs[j % half * 2 * BF_BLOCK + j / half] = (int16_t)rint(row[j] / step);
    }
}

/* To int8; returns the squared length of what is lost. */
static double round_to_int8(const double *row, int32_t n_values, float step, int8_t *quads,
                            int32_t *offset)
{
    const int32_t quarter = (n_values + 3) / 4;
    double lost = 0;
    int32_t total = 0;
    for (int32_t j = 0; j < n_values; ++j) {
        const double q = rint(row[j] / step), less = row[j] - q * step;
        quads[j % quarter * 4 * BF_BLOCK + j / quarter] = (int8_t)q;
        total += (int32_t)q;
        lost += less * less;
    }
    *offset = -128 * total;
    return lost;
}

typedef struct {
    float *half_norms, *steps, *centred_half_norms, *int8_steps;
    int16_t *pairs;
    int8_t *quads;
    int32_t *int8_offsets;
    double most, most_centred, most_lost; /* squared lengths */
} filters;

static void add(filters *to, ptrdiff_t i, const float *centroid, const float *centre,
                int32_t n_values)
{
    double row[BF_MAX_VALUES], centred[BF_MAX_VALUES], largest = 0;
    for (int32_t j = 0; j < n_values; ++j) {
        row[j] = centroid[j];
        centred[j] = row[j] - centre[j];
        const double magnitude = fabs(centred[j]);
        largest = magnitude > largest ? magnitude : largest; /* of fmax GCC 12 dies on 64-bit ARM */
    }
    const double energy = energy_of(row, n_values), centred_energy = energy_of(centred, n_values);
    const ptrdiff_t block = i / BF_BLOCK, lane = i % BF_BLOCK;
    const ptrdiff_t half = (n_values + 1) / 2, quarter = (n_values + 3) / 4;
    to->half_norms[i] = (float)(energy / 2);
    to->centred_half_norms[i] = (float)(centred_energy / 2);
    to->steps[i] = (float)(sqrt(centred_energy) / BF_INT16_STEPS + smallest_step);
    to->int8_steps[i] = (float)(largest / BF_INT8_STEPS + smallest_step);
    round_to_int16(centred, n_values, to->steps[i],
                   to->pairs + (block * half * BF_BLOCK + lane) * 2);
    const double lost =
        round_to_int8(centred, n_values, to->int8_steps[i],
                      to->quads + (block * quarter * BF_BLOCK + lane) * 4, &to->int8_offsets[i]);
    to->most = fmax(to->most, energy);
    to->most_centred = fmax(to->most_centred, centred_energy);
    to->most_lost = fmax(to->most_lost, lost);
}

static bf_status take(bf_memory *memory, filters *to, size_t n_padded, size_t n_values)
{
    to->half_norms = bf_take(memory, n_padded, sizeof *to->half_norms);
    to->steps = bf_take(memory, n_padded, sizeof *to->steps);
    to->centred_half_norms = bf_take(memory, n_padded, sizeof *to->centred_half_norms);
    to->int8_steps = bf_take(memory, n_padded, sizeof *to->int8_steps);
    to->pairs = bf_take(memory, n_padded * ((n_values + 1) / 2) * 2, sizeof *to->pairs);
    to->quads = bf_take(memory, n_padded * ((n_values + 3) / 4) * 4, sizeof *to->quads);
    to->int8_offsets = bf_take(memory, n_padded, sizeof *to->int8_offsets);
    return memory->failed ? BF_NO_MEMORY : BF_OK;
}

bf_status bf_codebook_filters(bf_memory *memory, const float *centroids, ptrdiff_t n,
                              bf_codebook *book)
{
    const int32_t n_values = book->n_values;
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    filters made = {0};
    const float *centre = centre_of(memory, centroids, n, n_values);
    book->rows = bf_take_copy(memory, (size_t)(n * n_values), sizeof *centroids, centroids);
    if (take(memory, &made, (size_t)n_padded, (size_t)n_values) != BF_OK) {
        return BF_NO_MEMORY;
    }
    for (ptrdiff_t i = 0; i < n; ++i) {
        add(&made, i, centroids + i * n_values, centre, n_values);
    }
    for (ptrdiff_t i = n; i < n_padded; ++i) { /* no centroid */
        made.half_norms[i] = made.centred_half_norms[i] = INFINITY;
        made.steps[i] = made.int8_steps[i] = (float)smallest_step;
    }
    book->half_norms = made.half_norms;
    book->longest = sqrt(made.most);
    /* A dot product of n floats and what is added to it: (n + 2) roundings at most (Higham,
     * Accuracy and Stability of Numerical Algorithms, 3.1); rounding to steps moves both vectors by
     * half of sqrt(n) steps at most. The rest is for the roundings on the way. */
    book->float_error = 1.01 * (n_values + 4) * roundoff;
    book->centre = centre;
    book->pairs = made.pairs;
    book->steps = made.steps;
    book->centred_half_norms = made.centred_half_norms;
    book->longest_centred = sqrt(made.most_centred);
    book->int16_error = 1.05 * sqrt((double)n_values) / BF_INT16_STEPS + 16 * roundoff;
    book->quads = made.quads;
    book->int8_steps = made.int8_steps;
    book->int8_offsets = made.int8_offsets;
    book->int8_error = 1.0001 * sqrt(made.most_lost);
    return BF_OK;
}
