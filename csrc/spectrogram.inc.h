/* Frames to values: a block of LANES streams is transposed once, so that a row holds one sample of
 * LANES frames; then frame by frame of the streams everything is done while it sits in cache. */

/* How many frames in a row a lane takes from one transposed block. The rows are shared by
 * neighbouring frames, so more is better until the block leaves the second-level cache. */
enum { MAX_STEPS = 16, MAX_BLOCK_BYTES = 256 * 1024 };

static int32_t most_steps(const bf_spectrogram *plan)
{
    const ptrdiff_t rows = MAX_BLOCK_BYTES / (ptrdiff_t)sizeof(vf);
    const ptrdiff_t more = (rows - plan->frame_samples) / plan->hop_samples;
    if (more <= 0 || plan->hop_samples >= plan->frame_samples) {
        return 1;
    }
    return more + 1 < MAX_STEPS ? (int32_t)more + 1 : MAX_STEPS;
}

static ptrdiff_t block_rows(const bf_spectrogram *plan, int32_t steps)
{
    return (ptrdiff_t)(steps - 1) * plan->hop_samples + plan->frame_samples;
}

static ptrdiff_t n_bins(const bf_spectrogram *plan)
{
    const ptrdiff_t bins = plan->last_bin + 1;
    return plan->part == BF_PART_COMPLEX ? 2 * bins : bins;
}

static ptrdiff_t n_values(const bf_spectrogram *plan)
{
    return plan->n_rows > 0 ? plan->n_rows : plan->n_bands > 0 ? plan->n_bands : n_bins(plan);
}

/* ---- scratch ---- */

/* Where in the scratch everything is, in vectors from its start. */
typedef struct {
    ptrdiff_t bins; /* [n_fft + 2] */
    ptrdiff_t fft;
    ptrdiff_t
        wide_end;     /* of what is as wide as the transform; from there on in vectors of floats: */
    ptrdiff_t block;  /* [rows] samples of LANES streams */
    ptrdiff_t edges;  /* [LANES][rows] floats: streams that reach outside the recording */
    ptrdiff_t values; /* [n_bands, or n_fft + 2] */
    ptrdiff_t rows;   /* [n_rows] */
    ptrdiff_t held;   /* [values of a frame][steps]: to be stored when the block is done */
    ptrdiff_t end;
} layout;

static ptrdiff_t fft_scratch(const bf_spectrogram *plan)
{
    ptrdiff_t most = plan->n_core + 1;
    for (int32_t t = 0; t < plan->n_transforms; ++t) {
        const bf_fft *fft = &plan->transforms[t];
        const ptrdiff_t result = plan->n_core > 0 ? fft->n : 0;
        const ptrdiff_t size = transform_scratch(fft) + result;
        most = size > most ? size : most;
    }
    return most;
}

static layout lay_out(const bf_spectrogram *plan)
{
    const int32_t steps = most_steps(plan);
    layout at = {0};
    at.fft = at.bins + plan->n_fft + 2;
    at.wide_end = at.fft + fft_scratch(plan);
    at.edges = at.block + block_rows(plan, steps);
    at.values = at.edges + block_rows(plan, steps);
    at.rows = at.values + (plan->n_bands > 0 ? plan->n_bands : plan->n_fft + 2);
    at.held = at.rows + plan->n_rows;
    at.end = at.held + n_values(plan) * steps;
    return at;
}

static size_t spectrogram_scratch(const bf_spectrogram *plan)
{
    const layout at = lay_out(plan);
    return (size_t)at.wide_end * sizeof(vr) + (size_t)at.end * sizeof(vf);
}

typedef struct {
    vr *bins, *fft;
    vf *block, *values, *rows, *held;
    float *edges;
} workspace;

static workspace workspace_in(void *scratch, const bf_spectrogram *plan)
{
    const layout at = lay_out(plan);
    vr *wide = scratch;
    vf *start = (vf *)(wide + at.wide_end);
    return (workspace){
        .bins = wide + at.bins,
        .fft = wide + at.fft,
        .block = start + at.block,
        .edges = (float *)(start + at.edges),
        .values = start + at.values,
        .rows = start + at.rows,
        .held = start + at.held,
    };
}

/* ---- load ---- */

/* Sample i of the recording, or what it counts as outside of it. */
static float padded_sample(const bf_frames *f, ptrdiff_t i)
{
    const ptrdiff_t last = f->n_samples - 1;
    if (i >= 0 && i <= last) {
        return f->audio[i];
    }
    if (f->pad == BF_PAD_ZERO) {
        return 0.0f;
    }
    if (f->pad == BF_PAD_EDGE || last == 0) {
        return f->audio[i < 0 ? 0 : last];
    }
    i = (i < 0 ? -i : i) % (2 * last);
    return f->audio[i <= last ? i : 2 * last - i];
}

/* The n samples from `start` on: in place, or copied to `edge` when some are outside. */
static const float *stream_at(const bf_frames *f, ptrdiff_t start, ptrdiff_t n, float *edge)
{
    if (start >= 0 && n <= f->n_samples && start <= f->n_samples - n) {
        return f->audio + start;
    }
    for (ptrdiff_t i = 0; i < n; ++i) {
        edge[i] = padded_sample(f, start + i);
    }
    return edge;
}

/* ---- from bins to values ---- */

/* Half-complex to re, im of every bin; `bins` has one vector more at both ends. */
static void complete_complex(ptrdiff_t n_fft, vr *bins)
{
    bins[0] = bins[1];
    bins[1] = (vr){0};
    if (n_fft % 2 == 0) {
        bins[n_fft + 1] = (vr){0};
    }
}

static void square_root(vr *v, ptrdiff_t n)
{
    real *x = (real *)v;
    for (ptrdiff_t i = 0; i < n * LANES; ++i) {
        x[i] = sizeof(real) == sizeof(float) ? (real)sqrtf((float)x[i]) : (real)sqrt((double)x[i]);
    }
}

static void bins_of_frame(const bf_spectrogram *plan, const vf *frame, const workspace *w)
{
    const bf_fft *fft = &plan->transforms[0];
    switch (plan->part) {
    case BF_PART_COMPLEX:
        transform(fft, KEEP_ALL, frame, w->fft, w->bins + 1);
        complete_complex(plan->n_fft, w->bins);
        break;
    case BF_PART_REAL:
        if (plan->n_core > 0) {
            cosine_transform(plan, frame, w->fft, w->bins);
        } else {
            transform(fft, KEEP_REAL, frame, w->fft, w->bins);
        }
        break;
    default:
        transform(fft, KEEP_POWER, frame, w->fft, w->bins);
        if (plan->part == BF_PART_MAGNITUDE) {
            square_root(w->bins, plan->last_bin + 1);
        }
    }
}

static void sum_bands(const bf_spectrogram *plan, const vr *bins, vf *values)
{
    for (int32_t b = 0; b < plan->n_bands; ++b) {
        const float *weight = plan->band_weights + plan->band_splits[b];
        const int32_t n = plan->band_splits[b + 1] - plan->band_splits[b];
        const vr *bin = bins + plan->band_bins[b];
        vr sum = {0};
        for (int32_t i = 0; i < n; ++i) {
            sum += bin[i] * (real)weight[i];
        }
        const vf total = vec_narrow(sum);
        values[b] = plan->band_bias != NULL ? total + plan->band_bias[b] : total;
    }
}

#if defined(EXACT)
/* Logarithm and power are of floats, of which the other table's vectors hold twice as many. */
static void take_logs(vf *values, ptrdiff_t n)
{
    FLOAT_TABLE.log((const float *)values, n * LANES, (float *)values);
}

static void take_powers(vf *values, ptrdiff_t n, float exponent)
{
    FLOAT_TABLE.pow((const float *)values, n * LANES, exponent, (float *)values);
}
#else
static void take_logs(vf *values, ptrdiff_t n)
{
    log_vectors(values, n);
}

static void take_powers(vf *values, ptrdiff_t n, float exponent)
{
    pow_vectors(values, n, power_of(exponent));
}
#endif

static void apply_post(const bf_spectrogram *plan, vf *values, ptrdiff_t n)
{
    if (plan->post == BF_POST_LOG) {
        const vf floor = vec_all(plan->floor);
        for (ptrdiff_t i = 0; i < n; ++i) {
            values[i] = vec_raise(values[i] + plan->offset, floor);
        }
        take_logs(values, n);
    } else if (plan->post == BF_POST_POW) {
        for (ptrdiff_t i = 0; plan->square && i < n; ++i) {
            values[i] *= values[i];
        }
        take_powers(values, n, plan->exponent);
    }
    if (plan->scale != 1.0f || plan->shift != 0.0f) {
        for (ptrdiff_t i = 0; i < n; ++i) {
            values[i] = values[i] * plan->scale + plan->shift;
        }
    }
}

/* ---- store ---- */

/* Lane l of held[v][s] goes to out[l][v * value_stride + s * frame_stride]. Whole blocks, because
 * the frames of a lane may share a cache line of the output. */
static void store_held(const vf *held, ptrdiff_t n, int32_t steps, const bf_frames *f,
                       float *const out[LANES])
{
    for (ptrdiff_t v = 0; v < n; ++v, held += steps) {
        for (int l = 0; l < LANES; ++l) {
            float *to = out[l] + v * f->value_stride;
            for (int32_t s = 0; s < steps; ++s, to += f->frame_stride) {
                *to = ((const float *)&held[s])[l];
            }
        }
    }
}

/* ---- all of it ---- */

/* Returns where in the scratch the values are. */
static const vf *values_of_frame(const bf_spectrogram *plan, const vf *frame, const workspace *w)
{
    vf *values = w->values;
    ptrdiff_t n = n_bins(plan);
    bins_of_frame(plan, frame, w);
    if (plan->n_bands > 0) {
        sum_bands(plan, w->bins, w->values);
        n = plan->n_bands;
    } else if (sizeof(real) == sizeof(float)) {
        values = (vf *)w->bins;
    } else {
        for (ptrdiff_t i = 0; i < n; ++i) {
            values[i] = vec_narrow(w->bins[i]);
        }
    }
    apply_post(plan, values, n);
    if (plan->n_rows > 0) {
        multiply(plan->matrix, plan->n_rows, n, values, w->rows);
        values = w->rows;
    }
    return values;
}

static void values_of_block(const bf_spectrogram *plan, const bf_frames *f, const workspace *w,
                            int32_t steps, float *out[LANES])
{
    const ptrdiff_t n = n_values(plan);
    const vf *frame = w->block;
    for (int32_t s = 0; s < steps; ++s, frame += plan->hop_samples) {
        const vf *values = values_of_frame(plan, frame, w);
        if (f->value_stride == 1) {
            store_rows(values, n, out);
            for (int l = 0; l < LANES; ++l) {
                out[l] += f->frame_stride;
            }
        } else {
            for (ptrdiff_t v = 0; v < n; ++v) {
                w->held[v * steps + s] = values[v];
            }
        }
    }
    if (f->value_stride != 1) {
        store_held(w->held, n, steps, f, out);
    }
}

/* Lane l takes the frames first + l * steps, ...; where these are too few it goes back, and makes
 * some frames again: no lane is idle, and none reads where there is nothing. */
static void spectrogram_block(const bf_spectrogram *plan, const bf_frames *f, const workspace *w,
                              ptrdiff_t first, int32_t steps)
{
    const ptrdiff_t n = block_rows(plan, steps), last = f->n_frames - steps;
    const float *streams[LANES];
    float *out[LANES];
    for (int l = 0; l < LANES; ++l) {
        const ptrdiff_t wanted = first + (ptrdiff_t)l * steps;
        const ptrdiff_t frame = wanted < last ? wanted : last;
        const ptrdiff_t start = f->start + frame * plan->hop_samples;
        streams[l] = stream_at(f, start, n, w->edges + l * n);
        out[l] = f->out + frame * f->frame_stride;
    }
    load_rows(streams, n, w->block);
    values_of_block(plan, f, w, steps, out);
}

static void spectrogram(const bf_spectrogram *plan, const bf_frames *frames, void *scratch)
{
    if (frames->n_frames <= 0) {
        return;
    }
    const workspace w = workspace_in(scratch, plan);
    const ptrdiff_t most = (ptrdiff_t)most_steps(plan) * LANES;
    const ptrdiff_t blocks = (frames->n_frames + most - 1) / most;
    const ptrdiff_t block_frames = (frames->n_frames + blocks - 1) / blocks;
    const int32_t steps = (int32_t)((block_frames + LANES - 1) / LANES);
    for (ptrdiff_t first = 0; first < frames->n_frames; first += (ptrdiff_t)steps * LANES) {
        spectrogram_block(plan, frames, &w, first, steps);
    }
}
