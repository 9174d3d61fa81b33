/* Nearest centroids. The distance is sum_j (x[j] - c[j])^2, j upwards, every operation rounded to
 * float: that is what `scan_all` computes, and what every other route must find the smallest of.
 *
 * The routes rule out centroids by something cheaper and leave the rest to the distance itself: so
 * the tokens are the same on every CPU, and equal distances are decided by the lowest id. */

#include "ranking.inc.h"

#if LANES > 1
#include "boxes.inc.h"
#include "filters.inc.h"
#include "candidates.inc.h"

static void search_tile(const bf_codebook *book, const float *const x[TILE_FRAMES],
                        int32_t n_frames, int with_distances, search_space *s,
                        ranking best[TILE_FRAMES])
{
    const filter_kind kind = kind_for(book, best[0].n);
    const int int16 = kind == OF_INT16 || kind == OF_FUSED_INT16;
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    s->keep = kind != OF_FLOAT || best[0].n > 1 || book->n_blocks <= MOST_KEPT;
    for (int f = 0; f < TILE_FRAMES; ++f) {
        take(book, x[f], f, s, kind);
    }
    filter_all(book, s, kind);
    for (int32_t f = 0; f < n_frames; ++f) {
        const float *values = s->keep ? s->values + f * n_padded : NULL;
        const float *low = s->low + f * n_padded / BF_BLOCKS_MULTIPLE;
        const double error = int16 ? book->int16_error : book->float_error;
        const double longest = int16 ? book->longest_centred : book->longest;
        const float value = nth_lowest(s->least + f * BF_BLOCK, best[f].n);
        const float limit = kind == OF_INT8 ? int8_limit_of(book, s->lost[f], s->energy[f], value)
                                            : limit_of(book, error, longest, s->energy[f], value);
        if (s->energy[f] <= most_energy) {
            settle(book, values, low, limit, x[f], with_distances, &best[f]);
        } else {
            scan_all(book, x[f], &best[f]);
        }
    }
}

static size_t lay_out_search(const bf_codebook *book, void *scratch, search_space *s)
{
    const ptrdiff_t n = book->n_values;
    float *next = scratch;
    s->values = next;
    next += TILE_FRAMES * book->n_blocks * BF_BLOCK;
    s->low = next;
    next += TILE_FRAMES * book->n_blocks / BF_BLOCKS_MULTIPLE * BF_BLOCK;
    s->least = next;
    next += TILE_FRAMES * BF_BLOCK;
    s->lower = next;
    next += (book->n_groups + BF_BLOCK - 1) / BF_BLOCK * BF_BLOCK;
    s->x = next;
    next += (n + 1) * TILE_FRAMES;
    s->frame = next;
    next += n + 2 * LANES;
    return (size_t)((char *)next - (char *)scratch);
}

/* The next frames from here on, by the codebook's route; returns how many it were. */
static int32_t search_some(const bf_codebook *book, const float *x, ptrdiff_t n_frames,
                           int with_distances, search_space *s, ranking best[TILE_FRAMES])
{
    const int in_tiles = book->search != BF_SEARCH_ALL && book->search != BF_SEARCH_TREE;
    if (in_tiles && n_frames >= TILE_FRAMES / 2) {
        const float *frames[TILE_FRAMES];
        const int32_t n = n_frames < TILE_FRAMES ? (int32_t)n_frames : TILE_FRAMES;
        for (int32_t f = 0; f < TILE_FRAMES; ++f) {
            frames[f] = x + (f < n ? f : n - 1) * book->n_values;
        }
        search_tile(book, frames, n, with_distances, s, best);
        return n;
    }
    if (book->search == BF_SEARCH_TREE) {
        search_tree(book, x, s->lower, best);
    } else {
        scan_all(book, x, best);
    }
    return 1;
}
#else
/* The plain kernels are what the others are held to: here every distance is computed. */
enum { TILE_FRAMES = 1 };
typedef struct {
    float *none;
} search_space;

static size_t lay_out_search(const bf_codebook *book, void *scratch, search_space *s)
{
    (void)book;
    s->none = scratch;
    return 0;
}

static int32_t search_some(const bf_codebook *book, const float *x, ptrdiff_t n_frames,
                           int with_distances, search_space *s, ranking best[TILE_FRAMES])
{
    (void)n_frames;
    (void)with_distances;
    (void)s;
    scan_all(book, x, best);
    return 1;
}
#endif

static size_t nearest_scratch(const bf_codebook *book)
{
    search_space s;
    return lay_out_search(book, NULL, &s);
}

/* By the bits of the exponents, which compilers do for many values at a time. */
static int is_finite(const float *x, int32_t n)
{
    int32_t found = 0;
    for (int32_t j = 0; j < n; ++j) {
        int32_t bits;
        memcpy(&bits, x + j, sizeof bits);
        found |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !found;
}

static void nearest(const bf_codebook *book, const float *frames, ptrdiff_t n_frames, int32_t n,
                    int32_t *ids, float *distances, void *scratch)
{
    search_space s;
    ranking best[TILE_FRAMES];
    lay_out_search(book, scratch, &s);
    for (ptrdiff_t first = 0; first < n_frames;) {
        const float *x = frames + first * book->n_values;
        for (int f = 0; f < TILE_FRAMES; ++f) {
            clear(&best[f], n);
        }
        const int32_t found =
            search_some(book, x, n_frames - first, n > 1 || distances != NULL, &s, best);
        for (int32_t f = 0; f < found; ++f, ++first) {
            if (!is_finite(x + f * book->n_values, book->n_values)) {
                clear(&best[f], n);
            }
            memcpy(ids + first * n, best[f].ids, (size_t)n * sizeof *ids);
            if (distances != NULL) {
                memcpy(distances + first * n, best[f].distances, (size_t)n * sizeof *distances);
            }
        }
    }
}
