/* An STSG model: its parts, checked and copied into one block of memory. */
#include <string.h>

#include "memory.h"
#include "stsg.h"

size_t bf_room_size(uint64_t bytes)
{
    return bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes;
}

void *bf_room_for(room *in, const void *from, uint64_t bytes)
{
    void *to = in->at == NULL ? NULL : in->at + in->used;
    in->used += (bytes + BF_ALIGNMENT - 1) / BF_ALIGNMENT * BF_ALIGNMENT;
    if (to != NULL && from != NULL) {
        memcpy(to, from, (size_t)bytes);
    }
    return to;
}

static const float *floats(room *in, const float *from, uint64_t n)
{
    return from == NULL ? NULL : bf_room_for(in, from, n * sizeof(float));
}

/* ---- what fits ---- */

static int within(int64_t value, int64_t least, int64_t most)
{
    return least <= value && value <= most;
}

static int stream_fits(const bf_token_stream *s, const bf_stsg_parts *p)
{
    const int64_t n_patch = (int64_t)s->patch_frames * p->n_bands;
    return within(s->patch_frames, 1, 1000) && within(s->patch_step, 1, 1000) &&
           within(s->less, BF_LESS_NONE, BF_LESS_MEDIAN) && within(s->n_tokens, 1, MOST) &&
           within(s->dim, 0, MOST) && within(s->n_values, 0, MOST) &&
           (s->dim == 0) == (s->embeddings == NULL) &&
           (s->codebook == NULL ||
            (s->n_values == s->codebook->n_values && within(s->n_values, 1, BF_MAX_VALUES) &&
             (s->projection != NULL || s->n_values == n_patch))) &&
           (s->projection == NULL) == (s->shift == NULL);
}

static int variant_fits(const bf_variant *v)
{
    return within(v->shift_mels, -MOST, MOST) && v->stretch >= 0.25 && v->stretch <= 4.0 &&
           v->gain > 0.0f;
}

static int pooling_fits(const bf_pooling *p)
{
    return within(p->kind, BF_WEIGHTS_MEAN, BF_WEIGHTS_TF_IDF) &&
           within(p->n_nearest, 1, BF_MAX_NEAREST) && p->loudest > 0.0 && p->loudest <= 1.0 &&
           p->embedding >= 0.0f && p->histogram >= 0.0f && p->statistics >= 0.0f;
}

static int sound_fits(const bf_stsg_parts *p)
{
    if (p->spectrogram == NULL) {
        return 1;
    }
    return within(p->rate_hz, 1, 1 << 30) && within(p->window_samples, 1, INT64_C(1) << 40) &&
           bf_spectrogram_framing(p->spectrogram).pad_samples == 0 &&
           bf_spectrogram_values(p->spectrogram) == p->n_bands;
}

static int fits(const bf_stsg_parts *p)
{
    int fine = within(p->n_bands, 1, MOST / 1000) && sound_fits(p) && pooling_fits(&p->pooling) &&
               within(p->n_streams, 0, MOST_STREAMS) && within(p->n_variants, 0, MOST_VARIANTS) &&
               within(p->n_layers, 0, MOST_LAYERS) &&
               (p->statistics_mean == NULL) == (p->statistics_deviation == NULL);
    for (int32_t i = 0; fine && i < p->n_streams; ++i) {
        fine = stream_fits(&p->streams[i], p);
    }
    for (int32_t i = 0; fine && i < p->n_variants; ++i) {
        fine = variant_fits(&p->variants[i]);
    }
    for (int32_t i = 0; fine && i < p->n_layers; ++i) {
        const bf_linear *layer = &p->layers[i];
        fine = within(layer->n_in, 1, MOST) && within(layer->n_out, 1, MOST) &&
               (i == 0 || layer->n_in == p->layers[i - 1].n_out);
    }
    return fine;
}

/* ---- copies ---- */

static void take_stream(room *in, const bf_stsg_parts *p, const bf_token_stream *from,
                        token_stream *to)
{
    const uint64_t n_patch = (uint64_t)from->patch_frames * (uint64_t)p->n_bands;
    const uint64_t n_tokens = (uint64_t)from->n_tokens, dim = (uint64_t)from->dim;
    to->is = *from;
    to->n_patch = (int32_t)n_patch;
    to->is.projection = floats(in, from->projection, (uint64_t)from->n_values * n_patch);
    to->is.shift = floats(in, from->shift, (uint64_t)from->n_values);
    if (!p->borrows_embeddings) { /* else where they are: by far the largest part */
        to->is.embeddings = floats(in, from->embeddings, n_tokens * dim);
    }
    to->is.idf = floats(in, from->idf, n_tokens);
    to->is.embedding_mean = floats(in, from->embedding_mean, dim);
}

static void take_layer(room *in, const bf_linear *from, int is_last, bf_layer *to)
{
    const size_t n_blocks = ((size_t)from->n_out + BF_BLOCK - 1) / BF_BLOCK;
    const size_t n_in = (size_t)from->n_in, n_out = (size_t)from->n_out;
    float *blocks = bf_room_for(in, NULL, (uint64_t)n_blocks * n_in * BF_BLOCK * sizeof(float));
    float *bias = bf_room_for(in, NULL, n_blocks * BF_BLOCK * sizeof(float));
    *to = (bf_layer){(int32_t)n_in, (int32_t)n_out, !is_last, blocks, bias};
    if (blocks == NULL) {
        return;
    }
    for (size_t o = 0; o < n_blocks * BF_BLOCK; ++o) {
        float *into = blocks + o / BF_BLOCK * n_in * BF_BLOCK + o % BF_BLOCK;
        bias[o] = o < n_out ? from->bias[o] : 0.0f;
        for (size_t i = 0; i < n_in; ++i) {
            into[i * BF_BLOCK] = o < n_out ? from->weight[o * n_in + i] : 0.0f;
        }
    }
}

static size_t n_classes(const bf_stsg_parts *p)
{
    return p->n_layers == 0 ? 0 : (size_t)p->layers[p->n_layers - 1].n_out;
}

static const char *const *take_names(room *in, const bf_stsg_parts *p)
{
    if (p->class_names == NULL) {
        return NULL;
    }
    const char **names = bf_room_for(in, NULL, n_classes(p) * sizeof *names);
    for (size_t i = 0; i < n_classes(p); ++i) {
        const char *name = bf_room_for(in, p->class_names[i], strlen(p->class_names[i]) + 1);
        if (names != NULL) {
            names[i] = name;
        }
    }
    return names;
}

/* Lay out a model of parts that fit; in a room that only counts, nothing is written. */
static bf_stsg *lay_out(room *in, const bf_stsg_parts *p)
{
    token_stream one;
    bf_layer flat;
    bf_stsg *m = bf_room_for(in, NULL, sizeof(bf_stsg));
    token_stream *streams = bf_room_for(in, NULL, (size_t)p->n_streams * sizeof *streams);
    bf_layer *layers = bf_room_for(in, NULL, (size_t)p->n_layers * sizeof *layers);
    bf_stsg_parts is = *p;
    const size_t n_statistics = 3 * (size_t)p->n_bands;
    is.statistics_mean = floats(in, p->statistics_mean, n_statistics);
    is.statistics_deviation = floats(in, p->statistics_deviation, n_statistics);
    is.variants = bf_room_for(in, p->variants, (size_t)p->n_variants * sizeof *p->variants);
    is.class_names = take_names(in, p);
    is.thresholds = p->thresholds == NULL || p->n_layers == 0
                        ? NULL
                        : bf_room_for(in, p->thresholds, n_classes(p) * sizeof(double));
    for (int32_t i = 0; i < p->n_streams; ++i) {
        take_stream(in, p, &p->streams[i], streams == NULL ? &one : &streams[i]);
    }
    for (int32_t i = 0; i < p->n_layers; ++i) {
        take_layer(in, &p->layers[i], i + 1 == p->n_layers, layers == NULL ? &flat : &layers[i]);
    }
    if (m != NULL) {
        is.streams = NULL;
        is.layers = NULL;
        *m = (bf_stsg){.is = is, .streams = streams, .layers = layers};
    }
    return m;
}

/* How long things are; returns whether the layers take what pooling gives. */
static int count(bf_stsg *m)
{
    const bf_pooling *p = &m->is.pooling;
    int64_t n_tokens = 0, n = p->statistics > 0.0f ? 3 * (int64_t)m->is.n_bands : 0;
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        const bf_token_stream *s = &m->streams[i].is;
        m->streams[i].first_token = (int32_t)n_tokens;
        n_tokens += s->n_tokens;
        n += (p->histogram > 0.0f ? s->n_tokens : 0) + (p->embedding > 0.0f ? s->dim : 0);
    }
    if (m->is.n_streams == 0 && n == 0 && m->is.n_layers > 0) {
        n = m->layers[0].n_in;
    }
    if (m->is.spectrogram != NULL) {
        m->framing = bf_spectrogram_framing(m->is.spectrogram);
        m->n_frames = bf_framing_count(&m->framing, (ptrdiff_t)m->is.window_samples);
    }
    m->n_tokens = (int32_t)n_tokens;
    m->n_embedding = (int32_t)n;
    m->n_classes = m->is.n_layers > 0 ? m->layers[m->is.n_layers - 1].n_out : 0;
    return n_tokens <= MOST && n <= MOST && m->n_frames <= MOST &&
           (m->is.n_layers == 0 || m->layers[0].n_in == n);
}

bf_status bf_stsg_new(const bf_stsg_parts *parts, bf_stsg **model)
{
    if (model == NULL) {
        return BF_BAD_ARGUMENT;
    }
    *model = NULL;
    if (parts == NULL || !fits(parts)) {
        return BF_BAD_ARGUMENT;
    }
    room measured = {NULL, 0};
    lay_out(&measured, parts);
    bf_memory memory = {0};
    room in = {bf_take(&memory, 1, bf_room_size(measured.used)), 0};
    if (in.at == NULL) {
        return BF_NO_MEMORY;
    }
    bf_stsg *m = lay_out(&in, parts);
    m->memory = memory;
    if (!count(m)) {
        bf_stsg_free(m);
        return BF_BAD_ARGUMENT;
    }
    *model = m;
    return BF_OK;
}

void bf_release_owned(bf_stsg *model)
{
    bf_spectrogram_free(model->own_spectrogram);
    for (int32_t i = 0; i < model->n_own; ++i) {
        bf_codebook_free(model->own_codebooks[i]);
    }
}

void bf_stsg_free(bf_stsg *model)
{
    if (model != NULL) {
        bf_memory memory = model->memory; /* the model lies in it */
        bf_release_owned(model);
        bf_give_back(&memory);
    }
}
