/* The tree: boxes around blocks of centroids, and around groups of blocks. */

/* lower[l] = the distance of x from box l of 16, at most. Every operation here is a rounded one of
 * smaller numbers than in rank_block, in the same order, and rounding keeps order: so the bound
 * holds for the rounded distances too, to the bit. */
static void box_distances(const float *box, int32_t n, const float *x, float lower[BF_BLOCK])
{
    vf sum[BLOCK_VECTORS];
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        sum[w] = vec_all(0.0f);
    }
    for (int32_t j = 0; j < n; ++j, box += 2 * BF_BLOCK) {
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            const vf below = vec_load(box + w * LANES) - x[j];
            const vf above = x[j] - vec_load(box + BF_BLOCK + w * LANES);
            const vf outside = vec_max(vec_max(below, above), vec_all(0.0f));
            sum[w] += outside * outside;
        }
    }
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        vec_store(lower + w * LANES, sum[w]);
    }
}

static ptrdiff_t lowest(const float *v, ptrdiff_t n)
{
    ptrdiff_t at = 0;
    for (ptrdiff_t i = 1; i < n; ++i) {
        at = v[i] < v[at] ? i : at;
    }
    return at;
}

static void rank_group(const bf_codebook *book, ptrdiff_t group, const float *x, ranking *best)
{
    const int32_t n = book->n_values;
    const ptrdiff_t first = group * BF_BLOCK;
    const ptrdiff_t left = book->n_blocks - first;
    const ptrdiff_t n_blocks = left < BF_BLOCK ? left : BF_BLOCK;
    float lower[BF_BLOCK];
    box_distances(book->block_boxes + first * 2 * n, n, x, lower);
    const ptrdiff_t start = lowest(lower, n_blocks);
    rank_block(book, (int32_t)(first + start), x, best);
    for (ptrdiff_t b = 0; b < n_blocks; ++b) {
        if (b != start && lower[b] <= worst(best)) {
            rank_block(book, (int32_t)(first + b), x, best);
        }
    }
}

static void search_tree(const bf_codebook *book, const float *x, float *lower, ranking *best)
{
    const int32_t n = book->n_values;
    for (ptrdiff_t g = 0; g < book->n_groups; g += BF_BLOCK) {
        box_distances(book->group_boxes + g * 2 * n, n, x, lower + g);
    }
    const ptrdiff_t start = lowest(lower, book->n_groups);
    rank_group(book, start, x, best);
    for (ptrdiff_t g = 0; g < book->n_groups; ++g) {
        if (g != start && lower[g] <= worst(best)) {
            rank_group(book, g, x, best);
        }
    }
}
