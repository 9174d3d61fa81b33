/* A window of an STSG model: bands to tokens, tokens to an embedding, that to logits. */
#include <math.h>
#include <string.h>

#include "stsg.h"

/* No frame is nearer: it would take the whole vote, and 1 / 0 is none. */
static const double closest = 1e-6;

int64_t bf_patches(const token_stream *stream, int64_t n_frames)
{
    const int64_t over = n_frames - stream->is.patch_frames;
    return over < 0 ? 0 : over / stream->is.patch_step + 1;
}

/* ---- tokens ---- */

/* Patches, side by side in `x` and so many values apart, to tokens. */
static void tokens_of(const bf_stsg *m, const bf_kernels *k, const token_stream *stream,
                      const float *x, ptrdiff_t x_stride, int64_t n, int32_t *ids, float *distances,
                      const workspace *w)
{
    const bf_token_stream *is = &stream->is;
    const int32_t n_values = is->n_values;
    if (is->projection != NULL) {
        k->project(x, x_stride, n, stream->n_patch, -INFINITY, is->projection, n_values, w->frames,
                   n_values, w->kernels);
        for (int64_t f = 0; f < n; ++f) {
            for (int32_t v = 0; v < n_values; ++v) {
                w->frames[f * n_values + v] -= is->shift[v];
            }
        }
    } else {
        for (int64_t f = 0; f < n; ++f) {
            memcpy(w->frames + f * n_values, x + f * x_stride, (size_t)n_values * sizeof(float));
        }
    }
    if (is->unit_length) {
        k->unit_rows(w->frames, n, n_values, w->kernels);
    }
    k->nearest(is->codebook, w->frames, n, m->is.pooling.n_nearest, ids, distances, w->kernels);
}

void bf_tokens(const bf_stsg *m, const bf_kernels *k, const token_stream *stream,
               const float *bands, int64_t first, int64_t n, const int32_t *kept, int32_t *ids,
               float *distances, const workspace *w)
{
    const ptrdiff_t stride = (ptrdiff_t)stream->is.patch_step * m->is.n_bands;
    const int64_t most = kept == NULL ? SOME_PATCHES : SOME_GATHERED;
    const int32_t n_nearest = m->is.pooling.n_nearest;
    for (int64_t done = 0; done < n; done += most) {
        const int64_t some = n - done < most ? n - done : most;
        const float *x = bands + (first + done) * stride;
        ptrdiff_t x_stride = stride;
        if (kept != NULL) {
            x = w->gathered;
            x_stride = stream->n_patch;
            for (int64_t i = 0; i < some; ++i) {
                memcpy(w->gathered + i * x_stride, bands + kept[done + i] * stride,
                       (size_t)x_stride * sizeof(float));
            }
        }
        tokens_of(m, k, stream, x, x_stride, some, ids + done * n_nearest,
                  distances + done * n_nearest, w);
    }
}

/* ---- the loudest patches ---- */

/* Whole numbers in the order of floats, a NaN below all. */
static uint32_t rank_of(float x)
{
    uint32_t bits;
    x += 0.0f; /* -0 is as loud as 0 */
    memcpy(&bits, &x, sizeof bits);
    return x != x ? 0 : bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static int64_t count_from(const uint32_t *ranks, int64_t n, uint32_t bound)
{
    int64_t found = 0;
    for (int64_t i = 0; i < n; ++i) {
        found += ranks[i] >= bound;
    }
    return found;
}

/* Which of n patches have the largest sums, in their order; of equal ones the first. Sums go in
 * order, of frames and then of patches. Returns how many are kept: one at least. */
static int64_t loudest(const bf_stsg *m, const token_stream *stream, const float *bands,
                       int64_t n_frames, int64_t n, const workspace *w)
{
    uint32_t *ranks = (uint32_t *)w->kept;
    const int32_t n_bands = m->is.n_bands;
    for (int64_t f = 0; f < n_frames; ++f) {
        float sum = bands[f * n_bands];
        for (int32_t b = 1; b < n_bands; ++b) {
            sum += bands[f * n_bands + b];
        }
        w->energy[f] = sum;
    }
    for (int64_t p = 0; p < n; ++p) {
        const float *of_frames = w->energy + p * stream->is.patch_step;
        float sum = of_frames[0];
        for (int32_t f = 1; f < stream->is.patch_frames; ++f) {
            sum += of_frames[f];
        }
        ranks[p] = rank_of(sum);
    }
    const double share = rint(m->is.pooling.loudest * (double)n);
    const int64_t n_kept = share < 1.0 ? 1 : (int64_t)share;
    uint32_t bound = 0; /* the highest that so many reach, bit by bit */
    for (uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
        if (count_from(ranks, n, bound | bit) >= n_kept) {
            bound |= bit;
        }
    }
    int64_t equal = n_kept - (bound == UINT32_MAX ? 0 : count_from(ranks, n, bound + 1));
    int64_t found = 0;
    for (int64_t p = 0; p < n; ++p) { /* never ahead of what it reads */
        const uint32_t rank = ranks[p];
        const int taken = rank > bound || (rank == bound && equal-- > 0);
        if (taken) {
            w->kept[found++] = (int32_t)p;
        }
    }
    return found;
}

/* ---- votes ---- */

static void vote(const int32_t *ids, const float *distances, int32_t n, double *votes)
{
    double shares[BF_MAX_NEAREST], total = 0.0;
    for (int32_t i = 0; i < n; ++i) {
        const double distance = sqrt((double)distances[i]);
        shares[i] = 1.0 / (distance > closest ? distance : closest); /* of a missing one 0 */
        total += shares[i];
    }
    for (int32_t i = 0; i < n; ++i) {
        if (ids[i] >= 0) {
            votes[ids[i]] += shares[i] / total;
        }
    }
}

/* Returns how many patches voted. */
static int64_t count_votes(const bf_stsg *m, const bf_kernels *k, const token_stream *stream,
                           const float *bands, int64_t n_frames, const known_tokens *known,
                           float *counts, int32_t *said, const workspace *w)
{
    const int32_t n_nearest = m->is.pooling.n_nearest;
    const int64_t n = bf_patches(stream, n_frames);
    const int32_t *kept = NULL, *ids = w->ids;
    const float *distances = w->distances;
    int64_t n_kept = n;
    memset(w->votes, 0, (size_t)stream->is.n_tokens * sizeof(double));
    if (n > 0 && m->is.pooling.loudest < 1.0) {
        n_kept = loudest(m, stream, bands, n_frames, n, w);
        kept = w->kept;
    }
    if (known != NULL && known->ids != NULL) {
        ids = known->ids;
        distances = known->distances;
    } else {
        bf_tokens(m, k, stream, bands, 0, n_kept, kept, w->ids, w->distances, w);
        kept = NULL;
    }
    for (int64_t i = 0; i < n_kept; ++i) {
        const int64_t at = (kept == NULL ? i : kept[i]) * n_nearest;
        vote(ids + at, distances + at, n_nearest, w->votes);
        if (said != NULL) {
            said[i] = ids[at];
        }
    }
    for (int32_t t = 0; t < stream->is.n_tokens; ++t) {
        counts[t] = (float)w->votes[t];
    }
    return n_kept;
}

/* A window's bands less what a stream says; made once for all streams that say the same. */
static const float *raised(const bf_stsg *m, const bf_kernels *k, bf_less less, const float *bands,
                           int64_t n, int made[3], const workspace *w)
{
    const int32_t n_bands = m->is.n_bands;
    float *out = w->raised[less];
    if (less == BF_LESS_NONE || n == 0) {
        return bands;
    }
    if (made[less]++) {
        return out;
    }
    if (less == BF_LESS_MEAN) {
        k->statistics(bands, n, n_bands, w->row);
    } else {
        k->medians(bands, n, n_bands, w->row);
    }
    for (int64_t f = 0; f < n; ++f) {
        for (int32_t b = 0; b < n_bands; ++b) {
            const float value = bands[f * n_bands + b] - w->row[b];
            out[f * n_bands + b] = less == BF_LESS_MEDIAN && value < 0.0f ? 0.0f : value;
        }
    }
    return out;
}

int64_t bf_describe(const bf_stsg *m, const bf_kernels *k, const float *bands, int64_t n_frames,
                    const known_tokens *known, float *counts, float *statistics, int32_t *said,
                    const workspace *w)
{
    int made[3] = {0};
    int64_t n_said = 0;
    memset(statistics, 0, 3 * (size_t)m->is.n_bands * sizeof(float));
    if (n_frames > 0) {
        k->statistics(bands, n_frames, m->is.n_bands, statistics);
    }
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        const token_stream *stream = &m->streams[i];
        const float *its = raised(m, k, stream->is.less, bands, n_frames, made, w);
        const int64_t n = count_votes(m, k, stream, its, n_frames, known == NULL ? NULL : &known[i],
                                      counts + stream->first_token, i == 0 ? said : NULL, w);
        n_said = i == 0 ? n : n_said;
    }
    return n_said;
}

void bf_stsg_describe(const bf_stsg *model, const bf_kernels *kernels, const float *bands,
                      int64_t n_frames, float *votes, float *statistics, void *scratch)
{
    const workspace w = bf_workspace(model, kernels, n_frames, 0, scratch);
    bf_describe(model, kernels, bands, n_frames, NULL, votes, statistics, NULL, &w);
}
