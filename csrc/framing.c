/* Which samples frames read, and frames that lose their means before a kernel sees them. */
#include <string.h>

#include "precise.h"
#include "spectrogram_tables.h"

enum { BLOCK_FRAMES = 64 }; /* frames whose means are taken out at a time: they stay in the cache */

ptrdiff_t bf_framing_count(const bf_framing *framing, ptrdiff_t n_samples)
{
    const ptrdiff_t room = n_samples + 2 * (ptrdiff_t)framing->pad_samples - framing->span_samples;
    return n_samples <= 0 || room < 0 ? 0 : room / framing->hop_samples + 1;
}

ptrdiff_t bf_framing_start(const bf_framing *framing, ptrdiff_t frame)
{
    return frame * framing->hop_samples + framing->lead_samples - framing->pad_samples;
}

static size_t aligned(size_t n_bytes)
{
    return (n_bytes + BF_ALIGNMENT - 1) / BF_ALIGNMENT * BF_ALIGNMENT;
}

static size_t block_bytes(const bf_spectrogram_tables *tables)
{
    return aligned((size_t)BLOCK_FRAMES * (size_t)tables->plan.frame_samples * sizeof(float));
}

static size_t sums_bytes(const bf_spectrogram_tables *tables)
{
    return aligned((size_t)(tables->plan.frame_samples / tables->stretch) * sizeof(double));
}

size_t bf_spectrogram_scratch(const bf_spectrogram_tables *tables, const bf_kernels *kernels)
{
    const bf_spectrogram *plan = &tables->plan;
    const size_t bytes = tables->exact ? kernels->exact->spectrogram_scratch(plan)
                                       : kernels->spectrogram_scratch(plan);
    const size_t extra = block_bytes(tables) + sums_bytes(tables);
    return aligned(bytes) + (tables->subtract_mean ? extra : 0);
}

static void run(const bf_spectrogram_tables *tables, const bf_kernels *kernels,
                const bf_frames *frames, void *scratch)
{
    if (tables->exact) {
        kernels->exact->spectrogram(&tables->plan, frames, scratch);
    } else {
        kernels->spectrogram(&tables->plan, frames, scratch);
    }
}

/* A frame less its mean. Sums go over stretches that frames share, so that they do not depend on
 * which frame was the first; `sums` holds those of the frame before, the last n_known of which are
 * this frame's first. */
static void less_mean(const float *frame, int32_t length, int32_t stretch, ptrdiff_t n_known,
                      double *sums, float *out)
{
    const ptrdiff_t n = length / stretch;
    memmove(sums, sums + (n - n_known), (size_t)n_known * sizeof *sums);
    for (ptrdiff_t i = n_known; i < n; ++i) {
        sums[i] = bf_sum_of_floats(frame + i * stretch, stretch);
    }
    const float mean = (float)(bf_sum(sums, n) / length);
    for (int32_t i = 0; i < length; ++i) {
        out[i] = frame[i] - mean;
    }
}

void bf_spectrogram_run(const bf_spectrogram_tables *tables, const bf_kernels *kernels,
                        const bf_frames *frames, void *scratch)
{
    if (!tables->subtract_mean) {
        run(tables, kernels, frames, scratch);
        return;
    }
    unsigned char *space = scratch;
    float *block = (float *)space;
    double *sums = (double *)(space + block_bytes(tables));
    const ptrdiff_t length = tables->plan.frame_samples, hop = tables->framing.hop_samples;
    const ptrdiff_t shared = hop < length ? (length - hop) / tables->stretch : 0;
    for (ptrdiff_t first = 0; first < frames->n_frames; first += BLOCK_FRAMES) {
        const ptrdiff_t left = frames->n_frames - first;
        const ptrdiff_t n = left < BLOCK_FRAMES ? left : BLOCK_FRAMES;
        for (ptrdiff_t i = 0; i < n; ++i) {
            const ptrdiff_t f = first + i;
            less_mean(frames->audio + frames->start + f * hop, (int32_t)length, tables->stretch,
                      f == 0 ? 0 : shared, sums, block + i * length);
        }
        const bf_frames less = {
            .audio = block,
            .n_samples = n * length,
            .pad = BF_PAD_NONE,
            .n_frames = n,
            .out = frames->out + first * frames->frame_stride,
            .frame_stride = frames->frame_stride,
            .value_stride = frames->value_stride,
        };
        run(tables, kernels, &less, space + block_bytes(tables) + sums_bytes(tables));
    }
}
