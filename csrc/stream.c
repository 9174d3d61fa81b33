/* Sound as it comes: bands are made of it as it comes, and tokens of those where a model takes
 * nothing away from a window, so that little is left to do when a window is complete. */
#include <string.h>

#include "stsg.h"

/* Frames or patches that are waited for, as kernels make several at a time, and those that one push
 * catches up with, where windows have frames of their own. */
enum { GROUP = 16, MOST_AT_ONCE = 64 };

/* Rows of some kind of the window that is to come, in a buffer that moves on as it fills up. */
typedef struct {
    int64_t at, n, most; /* of the window's first row; those that are there; all in a window */
} rows;

typedef struct {
    rows are;
    int32_t *ids;
    float *distances;
    int32_t stays; /* whether patches of a window are those of the next one */
} patches;

struct bf_stream {
    const bf_stsg *model;
    const bf_kernels *kernels;
    int64_t step_samples, shared_frames; /* from window to window; 0: they share none */
    int64_t start, received;             /* samples: of the window to come; all */
    float *samples;
    int64_t held_from, n_held, most_held;
    float *bands;
    rows frames;
    patches *patches;
    known_tokens *known;
    float *logits, *embedding;
    int64_t complete, n_said; /* of the window that is asked for: its start, its tokens */
    workspace w;
    bf_memory memory;
};

/* ---- set-up ---- */

static int64_t most_samples(const bf_stsg *m, int shared)
{
    const int64_t lag = (int64_t)GROUP * m->framing.hop_samples + m->framing.span_samples;
    const int64_t window = m->is.window_samples > m->framing.span_samples ? m->is.window_samples
                                                                          : m->framing.span_samples;
    return shared ? 2 * lag : window + window / 2 + 1;
}

static bf_stream *lay_out(room *in, const bf_stsg *m, const bf_kernels *k, int64_t step)
{
    const size_t n_streams = (size_t)m->is.n_streams;
    const uint64_t n_nearest = (uint64_t)m->is.pooling.n_nearest;
    const int64_t shared = step % m->framing.hop_samples == 0 ? step / m->framing.hop_samples : 0;
    bf_stream s = {.model = m, .kernels = k, .step_samples = step, .shared_frames = shared};
    bf_stream *made = bf_room_for(in, NULL, sizeof s);
    const uint64_t bands = 2 * (uint64_t)m->n_frames * (uint64_t)m->is.n_bands;
    s.most_held = most_samples(m, shared > 0);
    s.frames.most = m->n_frames;
    s.samples = bf_room_for(in, NULL, (uint64_t)s.most_held * sizeof(float));
    s.bands = bf_room_for(in, NULL, bands * sizeof(float));
    s.patches = bf_room_for(in, NULL, n_streams * sizeof(patches));
    s.known = bf_room_for(in, NULL, n_streams * sizeof(known_tokens));
    s.logits = bf_room_for(in, NULL, (size_t)m->n_classes * sizeof(float));
    s.embedding = bf_room_for(in, NULL, (size_t)m->n_embedding * sizeof(float));
    for (size_t i = 0; i < n_streams; ++i) {
        const token_stream *of = &m->streams[i];
        const int64_t n = of->is.less == BF_LESS_NONE ? bf_patches(of, m->n_frames) : 0;
        const uint64_t size = 2 * (uint64_t)n * n_nearest;
        patches its = {.are = {.most = n}, .stays = shared > 0 && shared % of->is.patch_step == 0};
        its.ids = bf_room_for(in, NULL, size * sizeof(int32_t));
        its.distances = bf_room_for(in, NULL, size * sizeof(float));
        if (s.patches != NULL) {
            s.patches[i] = its;
        }
    }
    s.w = bf_workspace(m, k, m->n_frames, 1, NULL);
    void *scratch = bf_room_for(in, NULL, s.w.size);
    if (made != NULL) {
        s.w = bf_workspace(m, k, m->n_frames, 1, scratch);
        *made = s;
    }
    return made;
}

bf_status bf_stream_new(const bf_stsg *model, const bf_kernels *kernels, int64_t step_samples,
                        bf_stream **stream)
{
    if (stream == NULL) {
        return BF_BAD_ARGUMENT;
    }
    *stream = NULL;
    if (model == NULL || kernels == NULL || step_samples < 1 || step_samples > INT64_C(1) << 40 ||
        !bf_stsg_can(model, BF_CAN_SCORE)) {
        return BF_BAD_ARGUMENT;
    }
    room measured = {NULL, 0};
    lay_out(&measured, model, kernels, step_samples);
    bf_memory memory = {0};
    room in = {bf_take(&memory, 1, bf_room_size(measured.used)), 0};
    if (in.at == NULL) {
        return BF_NO_MEMORY;
    }
    *stream = lay_out(&in, model, kernels, step_samples);
    (*stream)->memory = memory;
    return BF_OK;
}

void bf_stream_free(bf_stream *stream)
{
    if (stream != NULL) {
        bf_memory memory = stream->memory; /* the stream lies in it */
        bf_give_back(&memory);
    }
}

void bf_stream_restart(bf_stream *s)
{
    s->start = s->received = s->held_from = s->n_held = s->complete = 0;
    s->frames.at = s->frames.n = 0;
    for (int32_t i = 0; i < s->model->is.n_streams; ++i) {
        s->patches[i].are.at = s->patches[i].are.n = 0;
    }
}

/* ---- rows as they come ---- */

static int64_t less_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many of the rows that are due are made now: all that a complete window wants, else a group.
 */
static int64_t made_now(int64_t due, int complete, int64_t most)
{
    return complete ? due : due < GROUP ? 0 : less_of(due, most);
}

/* Room behind the rows for n more: those of the window move to the front when the buffer is full.
 * Returns where they go. */
static int64_t room_behind(rows *r, int64_t n, void *values, size_t row_bytes)
{
    if (r->at + r->n + n > 2 * r->most) {
        memmove(values, (char *)values + (size_t)r->at * row_bytes, (size_t)r->n * row_bytes);
        r->at = 0;
    }
    return r->at + r->n;
}

static void make_bands(bf_stream *s, int complete)
{
    const bf_stsg_parts *is = &s->model->is;
    const int64_t hop = s->model->framing.hop_samples;
    const ptrdiff_t so_far = (ptrdiff_t)(s->received - s->start);
    const int64_t there = less_of(bf_framing_count(&s->model->framing, so_far), s->frames.most);
    const int64_t n = made_now(there - s->frames.n, complete, MOST_AT_ONCE);
    if (n > 0) {
        const size_t row = (size_t)is->n_bands * sizeof(float);
        const int64_t at = room_behind(&s->frames, n, s->bands, row);
        const int64_t from = s->start + s->frames.n * hop - s->held_from;
        bf_bands(s->model, s->kernels, s->samples + from, n, s->bands + at * is->n_bands, &s->w);
        s->frames.n += n;
    }
}

static void make_tokens(bf_stream *s, int complete)
{
    const bf_stsg *m = s->model;
    const int32_t n_nearest = m->is.pooling.n_nearest;
    const float *bands = s->bands + s->frames.at * m->is.n_bands;
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        patches *p = &s->patches[i];
        const int64_t there = less_of(bf_patches(&m->streams[i], s->frames.n), p->are.most);
        const int64_t n = made_now(there - p->are.n, complete, MOST_AT_ONCE);
        if (n > 0) {
            rows same = p->are; /* ids and distances move alike */
            room_behind(&same, n, p->ids, (size_t)n_nearest * sizeof(int32_t));
            const int64_t at =
                room_behind(&p->are, n, p->distances, (size_t)n_nearest * sizeof(float));
            bf_tokens(m, s->kernels, &m->streams[i], bands, p->are.n, n, NULL,
                      p->ids + at * n_nearest, p->distances + at * n_nearest, &s->w);
            p->are.n += n;
        }
    }
}

/* ---- windows ---- */

static void score(bf_stream *s)
{
    const bf_stsg *m = s->model;
    for (int32_t i = 0; i < m->is.n_streams; ++i) {
        const patches *p = &s->patches[i];
        const ptrdiff_t at = p->are.at * m->is.pooling.n_nearest;
        const int known = m->streams[i].is.less == BF_LESS_NONE;
        s->known[i] = (known_tokens){known ? p->ids + at : NULL, known ? p->distances + at : NULL};
    }
    s->n_said = bf_embed(m, s->kernels, s->bands + s->frames.at * m->is.n_bands, s->known,
                         s->embedding, &s->w);
    bf_logits(m, s->kernels, s->embedding, 1, s->logits, &s->w);
    s->complete = s->start;
}

/* Leave n rows behind; without any in common, all. */
static void leave(rows *r, int64_t n, int stays)
{
    const int64_t left = stays ? less_of(n, r->n) : r->n;
    r->at += left;
    r->n -= left;
}

static void next_window(bf_stream *s)
{
    s->start += s->step_samples;
    leave(&s->frames, s->shared_frames, s->shared_frames > 0);
    for (int32_t i = 0; i < s->model->is.n_streams; ++i) {
        const int32_t step = s->model->streams[i].is.patch_step;
        leave(&s->patches[i].are, s->shared_frames / step, s->patches[i].stays);
    }
}

/* Forget samples before those that the next frame needs, here or in a window that shares none. */
static void forget(bf_stream *s)
{
    const int64_t done = s->frames.n * s->model->framing.hop_samples;
    const int64_t kept = s->shared_frames > 0 ? done : less_of(done, s->step_samples);
    const int64_t needed = s->start + kept - s->held_from;
    const int64_t gone = needed < 0 ? 0 : less_of(needed, s->n_held);
    memmove(s->samples, s->samples + gone, (size_t)(s->n_held - gone) * sizeof(float));
    s->n_held -= gone;
    s->held_from += gone;
}

/* Samples that may be pushed at once: up to the window's end, and as there is room. */
static int64_t wanted(bf_stream *s, size_t n)
{
    const int64_t end = s->start + s->model->is.window_samples;
    const int64_t most = n < (size_t)INT64_MAX ? (int64_t)n : INT64_MAX;
    if (s->n_held == s->most_held) {
        forget(s);
    }
    if (s->n_held == 0) {
        s->held_from = s->received;
    }
    return less_of(less_of(most, end - s->received), s->most_held - s->n_held);
}

/* Samples that were written behind those that are held; returns whether a window is complete. */
static int32_t take(bf_stream *s, int64_t n)
{
    s->n_held += n;
    s->received += n;
    const int complete = s->received == s->start + s->model->is.window_samples;
    make_bands(s, complete);
    make_tokens(s, complete);
    if (complete) {
        score(s);
        next_window(s);
    }
    return complete;
}

/* Of floats, or where there are none of integers. */
static int32_t push(bf_stream *s, const float *floats, const int16_t *integers, size_t n,
                    size_t *n_taken)
{
    int32_t complete = 0;
    for (*n_taken = 0; *n_taken < n && !complete;) {
        const int64_t some = wanted(s, n - *n_taken);
        float *into = s->samples + s->n_held;
        if (floats != NULL) {
            memcpy(into, floats + *n_taken, (size_t)some * sizeof *floats);
        } else {
            for (int64_t i = 0; i < some; ++i) {
                into[i] = (float)integers[*n_taken + (size_t)i] / 32768.0f;
            }
        }
        *n_taken += (size_t)some;
        complete = take(s, some);
    }
    return complete;
}

int32_t bf_stream_push(bf_stream *stream, const float *samples, size_t n, size_t *n_taken)
{
    return push(stream, samples, NULL, n, n_taken);
}

int32_t bf_stream_push_int16(bf_stream *stream, const int16_t *samples, size_t n, size_t *n_taken)
{
    return push(stream, NULL, samples, n, n_taken);
}

void bf_stream_window(const bf_stream *stream, bf_window *window)
{
    *window = (bf_window){stream->complete, stream->logits, stream->embedding, stream->w.said,
                          stream->n_said};
}
