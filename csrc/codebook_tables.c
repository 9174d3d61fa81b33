/* A codebook as the kernels take it: blocks of centroids, in the order that its search wants. */
#include "codebook_tables.h"

#include <math.h>

/* The filters work with squared lengths, which overflow beyond. */
static const double longest_of_filters = 1e18;
/* A tree pays from some size on (measured: bench/bench_tokens.py). */
enum { TREE_CENTROIDS = 1024 };

/* The largest length; NaN or infinite where a value is. */
static double longest(const float *centroids, ptrdiff_t n, int32_t n_values)
{
    double most = 0;
    for (ptrdiff_t c = 0; c < n; ++c) {
        double energy = 0;
        for (int32_t j = 0; j < n_values; ++j) {
            const double x = centroids[c * n_values + j];
            energy += x * x;
        }
        if (!(energy <= most)) {
            most = energy;
            if (!isfinite(energy)) {
                break;
            }
        }
    }
    return sqrt(most);
}

/* Rows of zeros, of id -1, fill up the last blocks: the kernels take four at a time. */
static bf_status pack(bf_memory *memory, const float *centroids, ptrdiff_t n, const int32_t *order,
                      bf_codebook *book)
{
    const ptrdiff_t at_a_time = (ptrdiff_t)BF_BLOCKS_MULTIPLE * BF_BLOCK;
    book->n_blocks = (n + at_a_time - 1) / at_a_time * BF_BLOCKS_MULTIPLE;
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK, n_values = book->n_values;
    float *blocks = bf_take(memory, (size_t)(n_padded * n_values), sizeof *blocks);
    int32_t *ids = bf_take(memory, (size_t)n_padded, sizeof *ids);
    if (memory->failed) {
        return BF_NO_MEMORY;
    }
    for (ptrdiff_t i = 0; i < n_padded; ++i) {
        if (i >= n) {
            ids[i] = -1;
            continue;
        }
        ids[i] = order == NULL ? (int32_t)i : order[i];
        const float *row = centroids + ids[i] * n_values;
        float *lane = blocks + i / BF_BLOCK * n_values * BF_BLOCK + i % BF_BLOCK;
        for (ptrdiff_t j = 0; j < n_values; ++j) {
            lane[j * BF_BLOCK] = row[j];
        }
    }
    book->blocks = blocks;
    book->ids = ids;
    return BF_OK;
}

static bf_status by_place(bf_memory *memory, const float *centroids, ptrdiff_t n, bf_codebook *book)
{
    int32_t *order = bf_take(memory, (size_t)n, sizeof *order);
    if (order == NULL) {
        return BF_NO_MEMORY;
    }
    bf_status status = bf_codebook_order(centroids, n, book->n_values, order);
    if (status == BF_OK) {
        status = pack(memory, centroids, n, order, book);
    }
    return status == BF_OK ? bf_codebook_boxes(memory, book) : status;
}

static bf_status make(const float *centroids, ptrdiff_t n, int32_t n_values, bf_search search,
                      bf_codebook_tables **tables)
{
    *tables = NULL;
    bf_memory memory = {0};
    bf_codebook_tables *made = bf_take(&memory, 1, sizeof *made);
    if (made == NULL) {
        return BF_NO_MEMORY;
    }
    bf_codebook *book = &made->plan;
    book->search = search;
    book->n_values = n_values;
    book->fused = bf_fuses();
    bf_status status;
    if (search == BF_SEARCH_TREE) {
        status = by_place(&memory, centroids, n, book);
    } else {
        status = pack(&memory, centroids, n, NULL, book);
    }
    if (status == BF_OK && search != BF_SEARCH_TREE && search != BF_SEARCH_ALL) {
        status = bf_codebook_filters(&memory, centroids, n, book);
    }
    if (status != BF_OK) {
        bf_give_back(&memory);
        return status;
    }
    made->n_centroids = n;
    made->memory = memory;
    *tables = made;
    return BF_OK;
}

/* Made with filters, and large ones with boxes too; the better one is kept. */
static bf_status make_best(const float *centroids, ptrdiff_t n, int32_t n_values,
                           bf_codebook_tables **tables)
{
    bf_codebook_tables *tree = NULL;
    bf_search best = BF_SEARCH_INT16;
    bf_status status = make(centroids, n, n_values, BF_SEARCH_INT16, tables);
    if (status == BF_OK && n >= TREE_CENTROIDS) {
        status = make(centroids, n, n_values, BF_SEARCH_TREE, &tree);
    }
    if (status == BF_OK) {
        status = bf_codebook_best(&(*tables)->plan, n, tree == NULL ? NULL : &tree->plan, &best);
    }
    if (status == BF_OK && best != BF_SEARCH_TREE) {
        (*tables)->plan.search = best;
        bf_codebook_free(tree);
        return BF_OK;
    }
    bf_codebook_free(*tables);
    *tables = tree;
    if (status != BF_OK) {
        bf_codebook_free(tree);
        *tables = NULL;
    }
    return status;
}

bf_status bf_codebook_new(const float *centroids, ptrdiff_t n_centroids, int32_t n_values,
                          bf_search search, bf_codebook_tables **tables)
{
    *tables = NULL;
    if (centroids == NULL || n_values < 1 || n_values > BF_MAX_VALUES || n_centroids < 1 ||
        n_centroids > (1 << 28) / n_values || (unsigned)search > BF_SEARCH_BEST) {
        return BF_BAD_ARGUMENT;
    }
    const double most = longest(centroids, n_centroids, n_values);
    if (!isfinite(most)) {
        return BF_BAD_ARGUMENT;
    }
    if (search != BF_SEARCH_TREE && most > longest_of_filters) {
        search = BF_SEARCH_ALL;
    }
    if (search == BF_SEARCH_BEST) {
        return make_best(centroids, n_centroids, n_values, tables);
    }
    return make(centroids, n_centroids, n_values, search, tables);
}

void bf_codebook_free(bf_codebook_tables *tables)
{
    if (tables != NULL) {
        bf_memory memory = tables->memory;
        bf_give_back(&memory);
    }
}

const bf_codebook *bf_codebook_plan(const bf_codebook_tables *tables)
{
    return &tables->plan;
}
