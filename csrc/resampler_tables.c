/* Tables of a resampler: its two transforms, and the filter in their bins. */
#include "fft_tables.h"

struct bf_resampler_tables {
    bf_memory memory;
    bf_resampler plan;
};

static int all_below(const int32_t *indices, int32_t n, int32_t end)
{
    for (int32_t i = 0; i < n; ++i) {
        if (indices[i] < 0 || indices[i] >= end) {
            return 0;
        }
    }
    return 1;
}

static int fits(const bf_resampler_options *o)
{
    const int32_t most = 1 << 20;
    const int sizes =
        2 <= o->n_in && o->n_in <= most && 2 <= o->n_out && o->n_out <= most && 1 <= o->step_in &&
        o->step_in <= o->n_in && 0 <= o->first_out && o->first_out < o->n_out && 1 <= o->step_out &&
        o->step_out <= o->n_out - o->first_out && 0 <= o->n_folds && o->n_folds <= o->n_in;
    if (!sizes || o->rows == NULL || o->weights == NULL || !all_below(o->rows, o->n_out, o->n_in)) {
        return 0;
    }
    return o->n_folds == 0 ||
           (o->fold_bins != NULL && o->folded_bins != NULL && o->fold_weights != NULL &&
            all_below(o->fold_bins, o->n_folds, o->n_in) &&
            all_below(o->folded_bins, o->n_folds, o->n_in));
}

/* No bin is added to another that itself is added to: the order of additions would show. */
static bf_status take_folds(const bf_resampler_options *o, bf_memory *memory, bf_resampler *plan)
{
    const size_t n = (size_t)o->n_folds;
    unsigned char *is_fold = bf_take(memory, (size_t)o->n_in, 1);
    plan->n_folds = o->n_folds;
    plan->fold_bins = bf_take_copy(memory, n, sizeof *o->fold_bins, o->fold_bins);
    plan->folded_bins = bf_take_copy(memory, n, sizeof *o->folded_bins, o->folded_bins);
    plan->fold_weights = bf_take_copy(memory, n, sizeof *o->fold_weights, o->fold_weights);
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    for (size_t i = 0; i < n; ++i) {
        is_fold[o->fold_bins[i]] = 1;
    }
    for (size_t i = 0; i < n; ++i) {
        if (is_fold[o->folded_bins[i]]) {
            return BF_BAD_ARGUMENT;
        }
    }
    return BF_OK;
}

static bf_status fill(const bf_resampler_options *o, bf_memory *memory, bf_resampler *plan)
{
    bf_status status = bf_fft_begin(memory, o->n_in, 0, &plan->forward);
    if (status == BF_OK) {
        status = bf_fft_begin(memory, o->n_out, 0, &plan->backward);
    }
    if (status == BF_OK) {
        status = bf_fft_points(memory, &plan->forward, NULL, NULL);
    }
    if (status == BF_OK) {
        status = bf_fft_points(memory, &plan->backward, o->rows, o->weights);
    }
    if (status == BF_OK && o->n_folds > 0) {
        status = take_folds(o, memory, plan);
    }
    plan->step_in = o->step_in;
    plan->first_out = o->first_out;
    plan->step_out = o->step_out;
    return status;
}

bf_status bf_resampler_new(const bf_resampler_options *options, bf_resampler_tables **tables)
{
    *tables = NULL;
    if (!fits(options)) {
        return BF_BAD_ARGUMENT;
    }
    bf_memory memory = {0};
    bf_resampler_tables *made = bf_take(&memory, 1, sizeof *made);
    const bf_status status = made == NULL ? BF_NO_MEMORY : fill(options, &memory, &made->plan);
    if (status != BF_OK) {
        bf_give_back(&memory);
        return status;
    }
    made->memory = memory;
    *tables = made;
    return BF_OK;
}

void bf_resampler_free(bf_resampler_tables *tables)
{
    if (tables != NULL) {
        bf_memory memory = tables->memory;
        bf_give_back(&memory);
    }
}

const bf_resampler *bf_resampler_plan(const bf_resampler_tables *tables)
{
    return &tables->plan;
}
