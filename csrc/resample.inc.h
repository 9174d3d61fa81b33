/* Another rate by two transforms: of blocks of sound that overlap, a lane has one. Its spectrum
 * times the filter's, folded or repeated, is that of the block at the other rate; the ends, where
 * the filter went around, are dropped (overlap-save). Hartley transforms, whose inverse is the
 * transform itself. */

/* Vectors of scratch: samples, bins, and what transforms want. */
typedef struct {
    ptrdiff_t samples, bins, fft;
} resampler_room;

static resampler_room room_of(const bf_resampler *plan)
{
    const bf_fft *there = &plan->forward, *back = &plan->backward;
    const ptrdiff_t fft = transform_scratch(there), fft_back = transform_scratch(back);
    return (resampler_room){
        .samples = there->n > back->n ? there->n : back->n,
        .bins = there->n,
        .fft = fft > fft_back ? fft : fft_back,
    };
}

static size_t resample_scratch(const bf_resampler *plan)
{
    const resampler_room room = room_of(plan);
    return (size_t)(room.samples + room.bins + room.fft) * sizeof(vf);
}

static void resample(const bf_resampler *plan, const float *in, ptrdiff_t n_blocks, float *out,
                     void *scratch)
{
    const resampler_room room = room_of(plan);
    vf *samples = scratch, *bins = samples + room.samples, *fft = bins + room.bins;
    for (ptrdiff_t first = 0; first < n_blocks; first += LANES) {
        const float *streams[LANES];
        float *outs[LANES];
        for (int l = 0; l < LANES; ++l) {
            const ptrdiff_t block = first + l < n_blocks ? first + l : n_blocks - 1;
            streams[l] = in + block * plan->step_in;
            outs[l] = out + block * plan->step_out;
        }
        load_rows(streams, plan->forward.n, samples);
        transform(&plan->forward, KEEP_HARTLEY, samples, fft, bins);
        for (int32_t f = 0; f < plan->n_folds; ++f) {
            bins[plan->fold_bins[f]] += bins[plan->folded_bins[f]] * plan->fold_weights[f];
        }
        transform(&plan->backward, KEEP_HARTLEY, bins, fft, samples);
        store_rows(samples + plan->first_out, plan->step_out, outs);
    }
}
