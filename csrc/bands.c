/* Bands of an STSG model's windows, variants of them, and the room that both are worked out in. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "stsg.h"

/* ---- room ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What the kernels want, one at a time. */
static uint64_t kernels_scratch(const bf_stsg *m, const bf_kernels *k)
{
    const uint64_t vector = (uint64_t)k->lanes * sizeof(float);
    uint64_t most = m->is.spectrogram == NULL ? 0 : bf_spectrogram_scratch(m->is.spectrogram, k);
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        const token_stream *s = &m->streams[i];
        const uint64_t wide = (uint64_t)s->n_patch + (uint64_t)s->is.n_values;
        most = larger(most, wide * vector);
        most = larger(most, s->is.codebook == NULL ? 0 : k->nearest_scratch(s->is.codebook));
    }
    for (int32_t i = 0; i < m->is.n_layers; ++i) {
        most = larger(most, 2 * (uint64_t)m->layers[i].n_in * sizeof(float));
    }
    return most;
}

static int64_t most_frames(const bf_stsg *m, int64_t n_frames)
{
    int64_t most = n_frames;
    for (int32_t i = 0; i < m->is.n_variants; ++i) {
        const int64_t n = bf_varied_frames(&m->is.variants[i], n_frames);
        most = n > most ? n : most;
    }
    return most;
}

static void room_for_streams(const bf_stsg *m, int64_t n_frames, room *in, workspace *w)
{
    uint64_t n_values = 1, n_patch = 1, n_patches = 1, n_tokens = 1;
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        const token_stream *s = &m->streams[i];
        n_values = larger(n_values, (uint64_t)s->is.n_values);
        n_patch = larger(n_patch, (uint64_t)s->n_patch);
        n_patches = larger(n_patches, (uint64_t)bf_patches(s, n_frames));
        n_tokens = larger(n_tokens, (uint64_t)s->is.n_tokens);
    }
    const uint64_t n_nearest = (uint64_t)m->is.pooling.n_nearest;
    w->frames = bf_room_for(in, NULL, SOME_PATCHES * n_values * sizeof(float));
    w->gathered = bf_room_for(in, NULL, SOME_GATHERED * n_patch * sizeof(float));
    w->ids = bf_room_for(in, NULL, n_patches * n_nearest * sizeof(int32_t));
    w->distances = bf_room_for(in, NULL, n_patches * n_nearest * sizeof(float));
    w->votes = bf_room_for(in, NULL, n_tokens * sizeof(double));
    w->kept = bf_room_for(in, NULL, n_patches * sizeof(int32_t));
    w->said = bf_room_for(in, NULL, n_patches * sizeof(int32_t));
    w->energy = bf_room_for(in, NULL, (uint64_t)n_frames * sizeof(float));
}

workspace bf_workspace(const bf_stsg *m, const bf_kernels *k, int64_t n_frames, int with_sound,
                       void *scratch)
{
    workspace w = {0};
    room in = {scratch, 0};
    const int64_t most = most_frames(m, n_frames);
    const uint64_t size = (uint64_t)most * (uint64_t)m->is.n_bands * sizeof(float);
    uint64_t widest = 1;
    for (int32_t i = 0; i < m->is.n_layers; ++i) {
        widest = larger(widest, (uint64_t)m->layers[i].n_out);
    }
    w.kernels = bf_room_for(&in, NULL, kernels_scratch(m, k));
    w.row = bf_room_for(&in, NULL, 3 * (uint64_t)m->is.n_bands * sizeof(float));
    w.raised[BF_LESS_MEAN] = bf_room_for(&in, NULL, size);
    w.raised[BF_LESS_MEDIAN] = bf_room_for(&in, NULL, size);
    room_for_streams(m, most, &in, &w);
    if (with_sound) {
        w.bands = bf_room_for(&in, NULL, size);
        w.varied = bf_room_for(&in, NULL, m->is.n_variants > 0 ? size : 0);
        w.counts = bf_room_for(&in, NULL, (uint64_t)m->n_tokens * sizeof(float));
        w.statistics = bf_room_for(&in, NULL, 3 * (uint64_t)m->is.n_bands * sizeof(float));
        w.pooling = bf_room_for(&in, NULL, 2 * (uint64_t)m->n_tokens * sizeof(float));
        w.embedding = bf_room_for(&in, NULL, (uint64_t)m->n_embedding * sizeof(float));
        w.layer[0] = bf_room_for(&in, NULL, SOME_ROWS * widest * sizeof(float));
        w.layer[1] = bf_room_for(&in, NULL, SOME_ROWS * widest * sizeof(float));
    }
    w.size = in.used;
    return w;
}

size_t bf_stsg_scratch(const bf_stsg *model, const bf_kernels *kernels)
{
    return bf_room_size(bf_workspace(model, kernels, model->n_frames, 1, NULL).size);
}

size_t bf_stsg_describe_scratch(const bf_stsg *model, const bf_kernels *kernels, int64_t n_frames)
{
    return bf_room_size(bf_workspace(model, kernels, n_frames, 0, NULL).size);
}

/* ---- bands ---- */

void bf_bands(const bf_stsg *m, const bf_kernels *k, const float *sound, int64_t n, float *bands,
              const workspace *w)
{
    const bf_framing *is = &m->framing;
    const bf_frames frames = {
        .audio = sound,
        .n_samples = (ptrdiff_t)(n - 1) * is->hop_samples + is->lead_samples + is->window_samples,
        .start = is->lead_samples,
        .pad = BF_PAD_NONE,
        .n_frames = (ptrdiff_t)n,
        .out = bands,
        .frame_stride = m->is.n_bands,
        .value_stride = 1,
    };
    if (n > 0) {
        bf_spectrogram_run(m->is.spectrogram, k, &frames, w->kernels);
    }
}

/* ---- variants ---- */

int64_t bf_varied_frames(const bf_variant *variant, int64_t n_frames)
{
    return variant->stretch == 1.0 ? n_frames : (int64_t)rint((double)n_frames * variant->stretch);
}

/* Where a frame of a variant lies: between `low` and the next one, by the share `part`. */
static int64_t place_of(const bf_variant *variant, int64_t frame, int64_t n_frames, float *part)
{
    const double place = (double)frame / variant->stretch, last = (double)(n_frames - 1);
    const double at = place < last ? place : last;
    *part = (float)(at - floor(at));
    return (int64_t)at;
}

static void gain(const bf_variant *variant, const bf_kernels *k, float *x, int64_t n, int32_t log,
                 float offset)
{
    const float floor = offset > FLT_MIN ? offset : FLT_MIN;
    if (log) {
        k->exp(x, n, x);
    }
    for (int64_t i = 0; i < n; ++i) {
        const float power = log && x[i] - offset < 0.0f ? 0.0f : log ? x[i] - offset : x[i];
        const float louder = power * variant->gain + (log ? offset : 0.0f);
        x[i] = log && louder < floor ? floor : louder;
    }
    if (log) {
        k->log(x, n, x);
    }
}

void bf_vary(const bf_variant *variant, const bf_kernels *kernels, const float *bands,
             int64_t n_frames, int32_t n_bands, int32_t log, float offset, float *out)
{
    const int64_t n = bf_varied_frames(variant, n_frames);
    for (int64_t f = 0; f < n; ++f) {
        float part = 0.0f;
        const int64_t low = variant->stretch == 1.0 ? f : place_of(variant, f, n_frames, &part);
        const int64_t high = low + 1 < n_frames ? low + 1 : n_frames - 1;
        for (int32_t b = 0; b < n_bands; ++b) {
            const int32_t from = b - variant->shift_mels;
            const int32_t at = from < 0 ? 0 : from < n_bands ? from : n_bands - 1;
            const float first = bands[low * n_bands + at], next = bands[high * n_bands + at];
            out[f * n_bands + b] = variant->stretch == 1.0 ? first : first + part * (next - first);
        }
    }
    if (variant->gain != 1.0f) {
        gain(variant, kernels, out, n * n_bands, log, offset);
    }
}
