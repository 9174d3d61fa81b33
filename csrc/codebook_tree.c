/* Neighbours share a block: centroids are halved at the median of the value that is spread most,
 * again and again, down to blocks. Groups are whole: a half of more than one is a number of groups.
 */
#include <math.h>

#include "codebook_tables.h"

typedef struct {
    float value;
    int32_t id;
} item;

typedef struct {
    const float *centroids;
    int32_t n_values;
} halving;

static int before(item a, item b)
{
    return a.value < b.value || (a.value == b.value && a.id < b.id);
}

static void swap(item *a, item *b)
{
    const item kept = *a;
    *a = *b;
    *b = kept;
}

/* Put the n_first smallest to the front (Hoare). Pivots are drawn, so that no order is a bad one;
 * no two items are equal, so which they are does not show. */
static void select_first(item *items, ptrdiff_t n, ptrdiff_t n_first)
{
    uint64_t drawn = 1;
    while (n > 1 && n_first > 0 && n_first < n) {
        drawn = drawn * 6364136223846793005U + 1442695040888963407U;
        const item pivot = items[(ptrdiff_t)((drawn >> 33) % (uint64_t)n)];
        ptrdiff_t i = 0, j = n - 1;
        while (i <= j) {
            while (before(items[i], pivot)) {
                ++i;
            }
            while (before(pivot, items[j])) {
                --j;
            }
            if (i <= j) {
                swap(&items[i++], &items[j--]);
            }
        }
        if (n_first <= j + 1) {
            n = j + 1;
        } else if (n_first >= i) {
            items += i;
            n -= i;
            n_first -= i;
        } else {
            return;
        }
    }
}

static int32_t widest(const halving *h, const item *items, ptrdiff_t n)
{
    double means[BF_MAX_VALUES] = {0}, spreads[BF_MAX_VALUES] = {0};
    for (ptrdiff_t i = 0; i < n; ++i) {
        const float *row = h->centroids + (ptrdiff_t)items[i].id * h->n_values;
        for (int32_t j = 0; j < h->n_values; ++j) {
            means[j] += row[j];
        }
    }
    for (int32_t j = 0; j < h->n_values; ++j) {
        means[j] /= (double)n;
    }
    for (ptrdiff_t i = 0; i < n; ++i) {
        const float *row = h->centroids + (ptrdiff_t)items[i].id * h->n_values;
        for (int32_t j = 0; j < h->n_values; ++j) {
            const double away = row[j] - means[j];
            spreads[j] += away * away;
        }
    }
    int32_t most = 0;
    for (int32_t j = 1; j < h->n_values; ++j) {
        most = spreads[j] > spreads[most] ? j : most;
    }
    return most;
}

/* Within a block the lowest id comes first. */
static void sort_by_id(item *items, ptrdiff_t n)
{
    for (ptrdiff_t i = 1; i < n; ++i) {
        for (ptrdiff_t j = i; j > 0 && items[j].id < items[j - 1].id; --j) {
            swap(&items[j], &items[j - 1]);
        }
    }
}

static void halve(const halving *h, item *items, ptrdiff_t n)
{
    const ptrdiff_t n_blocks = (n + BF_BLOCK - 1) / BF_BLOCK;
    if (n_blocks <= 1) {
        sort_by_id(items, n);
        return;
    }
    ptrdiff_t left = n_blocks / 2;
    if (n_blocks > BF_BLOCK) {
        left = left / BF_BLOCK > 0 ? left / BF_BLOCK * BF_BLOCK : BF_BLOCK;
    }
    const ptrdiff_t n_left = left * BF_BLOCK;
    const int32_t along = widest(h, items, n);
    for (ptrdiff_t i = 0; i < n; ++i) {
        items[i].value = h->centroids[(ptrdiff_t)items[i].id * h->n_values + along];
    }
    select_first(items, n, n_left);
    halve(h, items, n_left);
    halve(h, items + n_left, n - n_left);
}

bf_status bf_codebook_order(const float *centroids, ptrdiff_t n, int32_t n_values, int32_t *order)
{
    bf_memory memory = {0};
    item *items = bf_take(&memory, (size_t)n, sizeof *items);
    if (items == NULL) {
        return BF_NO_MEMORY;
    }
    for (ptrdiff_t i = 0; i < n; ++i) {
        items[i].id = (int32_t)i;
    }
    const halving h = {centroids, n_values};
    halve(&h, items, n);
    for (ptrdiff_t i = 0; i < n; ++i) {
        order[i] = items[i].id;
    }
    bf_give_back(&memory);
    return BF_OK;
}

/* Boxes for n things in groups of BF_BLOCK, with nothing in them yet. */
static float *empty_boxes(bf_memory *memory, ptrdiff_t n, int32_t n_values)
{
    const ptrdiff_t n_floats = (n + BF_BLOCK - 1) / BF_BLOCK * n_values * 2 * BF_BLOCK;
    float *boxes = bf_take(memory, (size_t)n_floats, sizeof *boxes);
    for (ptrdiff_t i = 0; boxes != NULL && i < n_floats; ++i) {
        boxes[i] = i / BF_BLOCK % 2 == 0 ? INFINITY : -INFINITY;
    }
    return boxes;
}

/* Make the box of thing i wide enough for value j to lie between lower and upper. */
static void widen(float *boxes, int32_t n_values, ptrdiff_t i, int32_t j, float lower, float upper)
{
    float *box = boxes + (i / BF_BLOCK * n_values + j) * 2 * BF_BLOCK + i % BF_BLOCK;
    box[0] = lower < box[0] ? lower : box[0];
    box[BF_BLOCK] = upper > box[BF_BLOCK] ? upper : box[BF_BLOCK];
}

bf_status bf_codebook_boxes(bf_memory *memory, bf_codebook *book)
{
    const int32_t n_values = book->n_values;
    book->n_groups = (book->n_blocks + BF_BLOCK - 1) / BF_BLOCK;
    float *blocks = empty_boxes(memory, book->n_blocks, n_values);
    float *groups = empty_boxes(memory, book->n_groups, n_values);
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    for (ptrdiff_t i = 0; i < book->n_blocks * BF_BLOCK; ++i) {
        const ptrdiff_t block = i / BF_BLOCK;
        const float *lane = book->blocks + block * n_values * BF_BLOCK + i % BF_BLOCK;
        for (int32_t j = 0; book->ids[i] >= 0 && j < n_values; ++j) {
            const float value = lane[j * BF_BLOCK];
            widen(blocks, n_values, block, j, value, value);
            widen(groups, n_values, block / BF_BLOCK, j, value, value);
        }
    }
    book->block_boxes = blocks;
    book->group_boxes = groups;
    return BF_OK;
}
