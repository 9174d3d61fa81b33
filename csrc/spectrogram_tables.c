/* Tables of a short-time transform and of what is made of it. */
#include "spectrogram_tables.h"

#include <math.h>

#include "fft_tables.h"

static int is_length(int32_t n)
{
    if (n < 16 || n > 65536) {
        return 0;
    }
    static const int32_t primes[] = {2, 3, 5};
    for (int i = 0; i < 3; ++i) {
        while (n % primes[i] == 0) {
            n /= primes[i];
        }
    }
    return n == 1;
}

static int fits(const bf_spectrogram_options *o)
{
    const int32_t most = (1 << 24) - 1;
    return is_length(o->n_fft) && 1 <= o->frame_samples && o->frame_samples <= o->n_fft &&
           1 <= o->hop_samples && o->hop_samples <= most && (unsigned)o->part <= BF_PART_COMPLEX &&
           o->window != NULL && -1 <= o->last_bin && o->last_bin <= o->n_fft / 2 &&
           0 <= o->n_bands && o->n_bands <= most &&
           (o->n_bands == 0 ? o->bias == NULL : o->bands != NULL && o->part != BF_PART_COMPLEX) &&
           (unsigned)o->post <= BF_POST_POW && fabsf(o->exponent) <= 10000 && 0 <= o->n_rows &&
           o->n_rows <= most && (o->n_rows == 0 || o->matrix != NULL);
}

/* Of a band the stretch between zeros: [*first, *end), or nothing at 0. */
static void used(const float *band, int32_t n_bins, int32_t *first, int32_t *end)
{
    int32_t a = 0, b = n_bins;
    while (b > 0 && band[b - 1] == 0) {
        --b;
    }
    while (a < b && band[a] == 0) {
        ++a;
    }
    *first = a;
    *end = b;
}

static bf_status pack_bands(const bf_spectrogram_options *o, bf_memory *memory,
                            bf_spectrogram *plan)
{
    const int32_t n_bins = o->n_fft / 2 + 1;
    const size_t n = (size_t)o->n_bands;
    int32_t *bins = bf_take(memory, n, sizeof *bins);
    int32_t *splits = bf_take(memory, n + 1, sizeof *splits);
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    int32_t highest = 0;
    for (size_t b = 0; b < n; ++b) {
        int32_t end;
        used(o->bands + b * (size_t)n_bins, n_bins, &bins[b], &end);
        if (splits[b] > INT32_MAX - (end - bins[b])) {
            return BF_BAD_ARGUMENT;
        }
        splits[b + 1] = splits[b] + end - bins[b];
        highest = end > highest + 1 ? end - 1 : highest;
    }
    if (o->last_bin >= 0 && highest > o->last_bin) {
        return BF_BAD_ARGUMENT;
    }
    plan->last_bin = o->last_bin >= 0 ? o->last_bin : highest;
    float *weights = bf_take(memory, (size_t)splits[n], sizeof *weights);
    if (weights == NULL) {
        return BF_NO_MEMORY;
    }
    for (size_t b = 0; b < n; ++b) {
        const float *band = o->bands + b * (size_t)n_bins + bins[b];
        for (int32_t i = splits[b]; i < splits[b + 1]; ++i) {
            weights[i] = band[i - splits[b]];
        }
    }
    plan->n_bands = o->n_bands;
    plan->band_bins = bins;
    plan->band_splits = splits;
    plan->band_weights = weights;
    if (o->bias != NULL) {
        plan->band_bias = bf_take_copy(memory, n, sizeof *o->bias, o->bias);
    }
    return memory->failed ? BF_NO_MEMORY : BF_OK;
}

static int32_t n_values(const bf_spectrogram *plan)
{
    if (plan->n_rows > 0) {
        return plan->n_rows;
    }
    const int32_t n_bins = (plan->last_bin + 1) * (plan->part == BF_PART_COMPLEX ? 2 : 1);
    return plan->n_bands > 0 ? plan->n_bands : n_bins;
}

static bf_status fill(const bf_spectrogram_options *o, bf_memory *memory, bf_spectrogram *plan)
{
    plan->n_fft = o->n_fft;
    plan->frame_samples = o->frame_samples;
    plan->hop_samples = o->subtract_mean ? o->frame_samples : o->hop_samples;
    plan->part = o->part;
    plan->post = o->post;
    plan->square = o->square != 0;
    plan->offset = o->offset;
    plan->floor = o->floor;
    plan->exponent = o->exponent;
    plan->scale = o->scale;
    plan->shift = o->shift;
    plan->last_bin = o->last_bin < 0 ? o->n_fft / 2 : o->last_bin;
    const int folds = o->part == BF_PART_REAL && bf_folds(plan, o->window, o->exact);
    bf_status status =
        (folds ? bf_cosine_transforms : bf_plain_transform)(memory, plan, o->window, o->exact);
    if (status == BF_OK && o->n_bands > 0) {
        status = pack_bands(o, memory, plan);
    }
    if (status == BF_OK && o->n_rows > 0) {
        const size_t n = (size_t)o->n_rows * (size_t)n_values(plan);
        plan->n_rows = o->n_rows;
        plan->matrix = bf_take_copy(memory, n, sizeof *o->matrix, o->matrix);
        status = plan->matrix == NULL ? BF_NO_MEMORY : BF_OK;
    }
    return status;
}

static int32_t common_divisor(int32_t a, int32_t b)
{
    while (b != 0) {
        const int32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

bf_status bf_spectrogram_new(const bf_spectrogram_options *options, bf_spectrogram_tables **tables)
{
    *tables = NULL;
    if (!fits(options)) {
        return BF_BAD_ARGUMENT;
    }
    bf_memory memory = {0};
    bf_spectrogram_tables *made = bf_take(&memory, 1, sizeof *made);
    bf_status status = made == NULL ? BF_NO_MEMORY : fill(options, &memory, &made->plan);
    if (status != BF_OK) {
        bf_give_back(&memory);
        return status;
    }
    const int32_t length = options->frame_samples, hop = options->hop_samples;
    made->framing = (bf_framing){length, hop, length, 0, 0, BF_PAD_NONE};
    made->exact = options->exact != 0;
    made->subtract_mean = options->subtract_mean != 0;
    made->stretch = common_divisor(length, hop);
    made->memory = memory;
    *tables = made;
    return BF_OK;
}

void bf_spectrogram_free(bf_spectrogram_tables *tables)
{
    if (tables != NULL) {
        bf_memory memory = tables->memory;
        bf_give_back(&memory);
    }
}

const bf_spectrogram *bf_spectrogram_plan(const bf_spectrogram_tables *tables)
{
    return &tables->plan;
}

bf_framing bf_spectrogram_framing(const bf_spectrogram_tables *tables)
{
    return tables->framing;
}

int32_t bf_spectrogram_values(const bf_spectrogram_tables *tables)
{
    return n_values(&tables->plan);
}
