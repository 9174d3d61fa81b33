/* The n nearest centroids so far, and the distance that decides. */

enum { BLOCK_VECTORS = BF_BLOCK / LANES };

typedef struct {
    int32_t n;
    float distances[BF_MAX_NEAREST]; /* rising; +inf where none is yet */
    int32_t ids[BF_MAX_NEAREST];     /* of equal distances the lowest first; -1 where none is yet */
} ranking;

static void clear(ranking *best, int32_t n)
{
    best->n = n;
    for (int32_t i = 0; i < n; ++i) {
        best->distances[i] = INFINITY;
        best->ids[i] = -1;
    }
}

ALWAYS_INLINE float worst(const ranking *best)
{
    return best->distances[best->n - 1];
}

/* Ids compare as unsigned: none (-1) comes after all others. */
ALWAYS_INLINE int comes_before(float distance, int32_t id, const ranking *best, int32_t i)
{
    return distance < best->distances[i] ||
           (distance == best->distances[i] && (uint32_t)id < (uint32_t)best->ids[i]);
}

static void insert(ranking *best, float distance, int32_t id)
{
    int32_t i = best->n - 1;
    if (id < 0 || !comes_before(distance, id, best, i)) {
        return;
    }
    for (; i > 0 && comes_before(distance, id, best, i - 1); --i) {
        best->distances[i] = best->distances[i - 1];
        best->ids[i] = best->ids[i - 1];
    }
    best->distances[i] = distance;
    best->ids[i] = id;
}

static void rank_block(const bf_codebook *book, int32_t block, const float *x, ranking *best)
{
    const float *c = book->blocks + (ptrdiff_t)block * book->n_values * BF_BLOCK;
    const int32_t *ids = book->ids + (ptrdiff_t)block * BF_BLOCK;
    vf sum[BLOCK_VECTORS];
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        sum[w] = vec_all(0.0f);
    }
    for (int32_t j = 0; j < book->n_values; ++j, c += BF_BLOCK) {
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            const vf difference = x[j] - vec_load(c + w * LANES);
            sum[w] += difference * difference;
        }
    }
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        uint32_t bits = vec_at_most(sum[w], vec_all(worst(best)));
        for (; bits != 0; bits &= bits - 1) {
            const int l = __builtin_ctz(bits);
            insert(best, ((const float *)&sum[w])[l], ids[w * LANES + l]);
        }
    }
}

static void scan_all(const bf_codebook *book, const float *x, ranking *best)
{
    for (int32_t block = 0; block < book->n_blocks; ++block) {
        rank_block(book, block, x, best);
    }
}
