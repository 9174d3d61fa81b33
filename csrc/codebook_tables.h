/* The parts of which a codebook's tables are put together. */
#ifndef BIRDFAST_CODEBOOK_TABLES_H
#define BIRDFAST_CODEBOOK_TABLES_H

#include "birdfast.h"
#include "memory.h"

struct bf_codebook_tables {
    bf_memory memory;
    ptrdiff_t n_centroids;
    bf_codebook plan;
};

/* What the filters need, of centroids that are packed as they come. */
bf_status bf_codebook_filters(bf_memory *memory, const float *centroids, ptrdiff_t n,
                              bf_codebook *book);

/* The order of centroids in which neighbours share a block: order [n]. */
bf_status bf_codebook_order(const float *centroids, ptrdiff_t n, int32_t n_values, int32_t *order);

/* Boxes around blocks, and around groups of them. */
bf_status bf_codebook_boxes(bf_memory *memory, bf_codebook *book);

/* The best search of centroids that are packed with filters, `tree` being a codebook of the same
 * with boxes, or NULL for none. */
bf_status bf_codebook_best(const bf_codebook *filters, ptrdiff_t n, const bf_codebook *tree,
                           bf_search *best);

#endif
