/* What an STSG model makes of votes: an embedding, and logits of that. Sums go in order, so that a
 * window has its bits alone. */
#include <math.h>
#include <string.h>

#include "stsg.h"

/* The tokens that occur, upwards, and what they weigh. */
static int32_t weigh(const bf_stsg *m, const token_stream *stream, const float *votes,
                     int32_t *tokens, float *weights)
{
    const bf_weighting kind = m->is.pooling.kind;
    int32_t n = 0;
    double total = 0.0;
    for (int32_t t = 0; t < stream->is.n_tokens; ++t) {
        tokens[n] = t;
        weights[n] = votes[t];
        n += votes[t] != 0.0f;
    }
    for (int32_t i = 0; i < n; ++i) {
        total += (double)weights[i];
    }
    for (int32_t i = 0; i < n; ++i) {
        weights[i] /= (float)total;
        if (kind == BF_WEIGHTS_SQRT) {
            weights[i] = sqrtf(weights[i]);
        } else if (kind == BF_WEIGHTS_TF_IDF) {
            weights[i] *= stream->is.idf[tokens[i]];
        }
    }
    return n;
}

/* Values by their weight beside the others, scaled to length 1 first where that is so. */
static void put(const bf_stsg *m, const float *x, int32_t n, float weight, float *out)
{
    double squares = 0.0;
    for (int32_t i = 0; m->is.pooling.unit_length && i < n; ++i) {
        squares += (double)x[i] * (double)x[i];
    }
    const float length = m->is.pooling.unit_length ? (float)sqrt(squares) : 1.0f;
    for (int32_t i = 0; i < n; ++i) {
        out[i] = length != 0.0f ? weight * (x[i] / length) : 0.0f;
    }
}

static float *put_stream(const bf_stsg *m, const bf_kernels *k, const token_stream *stream,
                         const float *votes, float *out, float *weights)
{
    const bf_pooling *pooling = &m->is.pooling;
    int32_t *tokens = (int32_t *)(weights + m->n_tokens);
    const int32_t n = weigh(m, stream, votes, tokens, weights), dim = stream->is.dim;
    if (pooling->embedding > 0.0f) {
        float *pooled = out + (pooling->histogram > 0.0f ? stream->is.n_tokens : 0);
        k->pool(stream->is.embeddings, dim, tokens, weights, n, pooled);
        for (int32_t d = 0; pooling->unit_length && d < dim; ++d) {
            pooled[d] -= stream->is.embedding_mean[d];
        }
        put(m, pooled, dim, pooling->embedding, pooled);
    }
    if (pooling->histogram > 0.0f) {
        put(m, weights, n, pooling->histogram, weights);
        memset(out, 0, (size_t)stream->is.n_tokens * sizeof(float));
        for (int32_t i = 0; i < n; ++i) {
            out[tokens[i]] = weights[i];
        }
        out += stream->is.n_tokens;
    }
    return out + (pooling->embedding > 0.0f ? dim : 0);
}

void bf_stsg_pool(const bf_stsg *m, const bf_kernels *k, const float *votes,
                  const float *statistics, float *embedding, void *scratch)
{
    const int32_t n = 3 * m->is.n_bands;
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        const token_stream *stream = &m->streams[i];
        embedding = put_stream(m, k, stream, votes + stream->first_token, embedding, scratch);
    }
    if (m->is.pooling.statistics > 0.0f) {
        for (int32_t i = 0; i < n; ++i) {
            embedding[i] = statistics[i];
            if (m->is.pooling.unit_length) {
                embedding[i] =
                    (statistics[i] - m->is.statistics_mean[i]) / m->is.statistics_deviation[i];
            }
        }
        put(m, embedding, n, m->is.pooling.statistics, embedding);
    }
}

static void average(const bf_stsg *m, const bf_kernels *k, const float *bands, float *embedding,
                    const workspace *w)
{
    const bf_stsg_parts *is = &m->is;
    for (int32_t v = 0; v < is->n_variants; ++v) {
        const bf_variant *variant = &is->variants[v];
        const int64_t n = bf_varied_frames(variant, m->n_frames);
        bf_vary(variant, k, bands, m->n_frames, is->n_bands, is->log, is->offset, w->varied);
        bf_describe(m, k, w->varied, n, NULL, w->counts, w->statistics, NULL, w);
        bf_stsg_pool(m, k, w->counts, w->statistics, w->embedding, w->pooling);
        for (int32_t i = 0; i < m->n_embedding; ++i) {
            embedding[i] += w->embedding[i];
        }
    }
    for (int32_t i = 0; i < m->n_embedding; ++i) {
        embedding[i] /= (float)(is->n_variants + 1);
    }
}

int64_t bf_embed(const bf_stsg *m, const bf_kernels *k, const float *bands,
                 const known_tokens *known, float *embedding, const workspace *w)
{
    const int64_t n_said =
        bf_describe(m, k, bands, m->n_frames, known, w->counts, w->statistics, w->said, w);
    bf_stsg_pool(m, k, w->counts, w->statistics, embedding, w->pooling);
    if (m->is.n_variants > 0) {
        average(m, k, bands, embedding, w);
    }
    return n_said;
}

/* Layer by layer, from the embeddings through rows that are kept by turns. */
void bf_logits(const bf_stsg *m, const bf_kernels *k, const float *embedding, int64_t n,
               float *logits, const workspace *w)
{
    for (int64_t first = 0; first < n; first += SOME_ROWS) {
        const int64_t some = n - first < SOME_ROWS ? n - first : SOME_ROWS;
        const float *x = embedding + first * m->n_embedding;
        for (int32_t i = 0; i < m->is.n_layers; ++i) {
            const bf_layer *layer = &m->layers[i];
            float *out = layer->relu ? w->layer[i % 2] : logits + first * m->n_classes;
            k->dense(layer, x, layer->n_in, some, out, layer->n_out, w->kernels);
            x = out;
        }
    }
}

void bf_stsg_score(const bf_stsg *model, const bf_kernels *kernels, const float *windows, int64_t n,
                   float *logits, float *embedding, void *scratch)
{
    const workspace w = bf_workspace(model, kernels, model->n_frames, 1, scratch);
    for (int64_t i = 0; i < n; ++i) {
        bf_bands(model, kernels, windows + i * model->is.window_samples, model->n_frames, w.bands,
                 &w);
        bf_embed(model, kernels, w.bands, NULL, embedding + i * model->n_embedding, &w);
    }
    bf_logits(model, kernels, embedding, n, logits, &w);
}

void bf_stsg_logits(const bf_stsg *model, const bf_kernels *kernels, const float *embedding,
                    int64_t n, float *logits, void *scratch)
{
    const workspace w = bf_workspace(model, kernels, model->n_frames, 1, scratch);
    bf_logits(model, kernels, embedding, n, logits, &w);
}
