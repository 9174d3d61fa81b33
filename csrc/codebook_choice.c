/* Which search is the best, by the centroids alone, so that every CPU searches in the same way.
 * Some centroids stand for frames, their nearest neighbours' distance for a frame's own. */
#include <math.h>

#include "codebook_tables.h"

enum { SAMPLE = 64 };

/* A tree pays where few boxes are near (measured: bench/bench_tokens.py). */
static const double tree_share = 0.15;
/* Vectors rounded to int16 tell centroids apart that are this much further away than the nearest.
 */
static const double blur_share = 0.05;
/* Vectors rounded to int8 pay while they leave no more than so many whose distances must be
 * computed. */
static const double int8_candidates = 12;

/* The squared distances of all centroids, in the order of the blocks; +inf where there is none. */
static void distances_from(const bf_codebook *book, const float *frame, float *distances)
{
    for (ptrdiff_t b = 0; b < book->n_blocks; ++b) {
        const float *block = book->blocks + b * book->n_values * BF_BLOCK;
        float totals[BF_BLOCK] = {0};
        for (int32_t j = 0; j < book->n_values; ++j) {
            for (int lane = 0; lane < BF_BLOCK; ++lane) {
                const float away = frame[j] - block[j * BF_BLOCK + lane];
                totals[lane] += away * away;
            }
        }
        for (int lane = 0; lane < BF_BLOCK; ++lane) {
            const ptrdiff_t i = b * BF_BLOCK + lane;
            distances[i] = book->ids[i] >= 0 ? totals[lane] : INFINITY;
        }
    }
}

/* The second smallest: the smallest is a centroid's from itself. */
static float second(const float *distances, ptrdiff_t n)
{
    float first = INFINITY, found = INFINITY;
    for (ptrdiff_t i = 0; i < n; ++i) {
        if (distances[i] < first) {
            found = first;
            first = distances[i];
        } else if (distances[i] < found) {
            found = distances[i];
        }
    }
    return found;
}

/* How many centroids int8 cannot tell from one at a squared distance `reach`; energy is that of the
 * centred frame. */
static double blurred_by_int8(const bf_codebook *book, const float *distances, float reach,
                              double energy)
{
    const double error =
        book->int8_error * (sqrt(energy) + book->longest_centred + book->int8_error);
    double count = 0;
    for (ptrdiff_t i = 0; i < book->n_blocks * BF_BLOCK; ++i) {
        count += distances[i] <= reach + 4 * error;
    }
    return count;
}

/* Which share of the blocks with centroids have boxes within reach of a frame. */
static double share_in_reach(const bf_codebook *tree, const float *frame, float reach)
{
    double count = 0;
    for (ptrdiff_t b = 0; b < tree->n_blocks; ++b) {
        const float *box =
            tree->block_boxes + b / BF_BLOCK * tree->n_values * 2 * BF_BLOCK + b % BF_BLOCK;
        float outside = 0;
        for (int32_t j = 0; j < tree->n_values && outside <= reach; ++j, box += 2 * BF_BLOCK) {
            const float below = box[0] - frame[j], above = frame[j] - box[BF_BLOCK];
            const float away = below > above ? below : above;
            outside += away > 0 ? away * away : 0;
        }
        count += outside <= reach;
    }
    return count / (double)tree->n_blocks;
}

static double median(double *values, int32_t n)
{
    for (int32_t i = 1; i < n; ++i) {
        for (int32_t j = i; j > 0 && values[j] < values[j - 1]; --j) {
            const double kept = values[j];
            values[j] = values[j - 1];
            values[j - 1] = kept;
        }
    }
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static double centred_energy(const bf_codebook *book, const float *frame)
{
    double energy = 0;
    for (int32_t j = 0; j < book->n_values; ++j) {
        const double away = (double)frame[j] - book->centre[j];
        energy += away * away;
    }
    return energy;
}

bf_status bf_codebook_best(const bf_codebook *filters, ptrdiff_t n, const bf_codebook *tree,
                           bf_search *best)
{
    *best = BF_SEARCH_INT16;
    if (n < 2) {
        return BF_OK;
    }
    const ptrdiff_t n_padded = filters->n_blocks * BF_BLOCK, step = (n + SAMPLE - 1) / SAMPLE;
    bf_memory memory = {0};
    float *distances = bf_take(&memory, (size_t)n_padded, sizeof *distances);
    if (distances == NULL) {
        return BF_NO_MEMORY;
    }
    double left[SAMPLE], blurs[SAMPLE], shares = 0;
    int32_t n_frames = 0;
    for (ptrdiff_t c = 0; c < n; c += step) {
        const float *frame = filters->rows + c * filters->n_values;
        distances_from(filters, frame, distances);
        const float reach = second(distances, n_padded);
        const double energy = centred_energy(filters, frame);
        left[n_frames] = blurred_by_int8(filters, distances, reach, energy);
        /* Of a frame and a centroid of the same length L: |c|^2 / 2 + |x||c| = 1.5 L^2, twice on
         * both sides. */
        blurs[n_frames++] = 6 * filters->int16_error * energy - blur_share * reach;
        shares += tree == NULL ? 1 : share_in_reach(tree, frame, reach);
    }
    bf_give_back(&memory);
    if (shares / n_frames < tree_share) {
        *best = BF_SEARCH_TREE;
    } else if (median(left, n_frames) <= int8_candidates) {
        *best = BF_SEARCH_INT8;
    } else if (median(blurs, n_frames) > 0) {
        *best = BF_SEARCH_FLOAT;
    }
    return BF_OK;
}
