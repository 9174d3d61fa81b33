/* What comes behind tokens: rows to length 1, tokens' embeddings by their weights, dense layers.
 * Every row has its bits alone: a lane is a row, a dimension or an output, and sums go in order. */

/* A row of no length at all stays so. */
#define SHORTEST 1e-12f

static void unit_rows(float *x, ptrdiff_t n_rows, int32_t n, void *scratch)
{
    vf *values = scratch;
    for (ptrdiff_t first = 0; first < n_rows; first += LANES) {
        const float *rows[LANES];
        float *out[LANES];
        for (int l = 0; l < LANES; ++l) {
            out[l] = x + (first + l < n_rows ? first + l : n_rows - 1) * n;
            rows[l] = out[l];
        }
        load_rows(rows, n, values);
        vf squares = vec_all(0.0f);
        for (int32_t i = 0; i < n; ++i) {
            squares += values[i] * values[i];
        }
        const vf length = vec_max(vec_all(SHORTEST), root(squares));
        for (int32_t i = 0; i < n; ++i) {
            values[i] /= length;
        }
        store_rows(values, n, out);
    }
}

/* `count` <= LANES of the columns of every row. */
ALWAYS_INLINE void pool_some(const float *table, int32_t dim, const int32_t *tokens,
                             const float *weights, int32_t n, int32_t count, float *out)
{
    vf sum = vec_all(0.0f);
    for (int32_t i = 0; i < n; ++i) {
        sum += load_columns(table + (ptrdiff_t)tokens[i] * dim, count) * weights[i];
    }
    store_columns(out, sum, count);
}

enum { POOL_VECTORS = 8 };

static void pool(const float *table, int32_t dim, const int32_t *tokens, const float *weights,
                 int32_t n, float *out)
{
    int32_t c = 0;
    for (; c + POOL_VECTORS * LANES <= dim; c += POOL_VECTORS * LANES) {
        vf sum[POOL_VECTORS];
        UNROLL
        for (int v = 0; v < POOL_VECTORS; ++v) {
            sum[v] = vec_all(0.0f);
        }
        for (int32_t i = 0; i < n; ++i) {
            const float *row = table + (ptrdiff_t)tokens[i] * dim + c;
            UNROLL
            for (int v = 0; v < POOL_VECTORS; ++v) {
                sum[v] += vec_load(row + v * LANES) * weights[i];
            }
        }
        UNROLL
        for (int v = 0; v < POOL_VECTORS; ++v) {
            vec_store(out + c + v * LANES, sum[v]);
        }
    }
    for (; c + LANES <= dim; c += LANES) {
        pool_some(table + c, dim, tokens, weights, n, LANES, out + c);
    }
    if (c < dim) {
        pool_some(table + c, dim, tokens, weights, n, dim - c, out + c);
    }
}

/* ---- dense layers ---- */

/* Rows at a time, or blocks of outputs of a single row: eight sums, or fewer would wait for their
 * additions, and more would not stay in registers. */
enum {
    DENSE_ROWS = LANES > 2 ? LANES / 2 : 1,
    DENSE_BLOCKS = LANES > 4 ? LANES / 4 : 1,
};

ALWAYS_INLINE void put_block(const bf_layer *layer, int32_t block, const vf sum[BLOCK_VECTORS],
                             float *out)
{
    const float *bias = layer->bias + (ptrdiff_t)block * BF_BLOCK;
    out += (ptrdiff_t)block * BF_BLOCK;
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        const int32_t left = layer->n_out - block * BF_BLOCK - w * LANES;
        vf y = sum[w] + vec_load(bias + w * LANES);
        y = layer->relu ? vec_raise(y, vec_all(0.0f)) : y;
        if (left > 0) {
            store_columns(out + w * LANES, y, left < LANES ? left : LANES);
        }
    }
}

/* DENSE_ROWS rows at a time. */
static void dense_rows(const bf_layer *layer, const float *x, ptrdiff_t x_stride, float *out,
                       ptrdiff_t out_stride)
{
    const float *c = layer->blocks;
    for (int32_t block = 0; block * BF_BLOCK < layer->n_out; ++block) {
        vf sum[DENSE_ROWS][BLOCK_VECTORS];
        memset(sum, 0, sizeof sum);
        for (int32_t i = 0; i < layer->n_in; ++i, c += BF_BLOCK) {
            UNROLL
            for (int w = 0; w < BLOCK_VECTORS; ++w) {
                const vf weight = vec_load(c + w * LANES);
                UNROLL
                for (int r = 0; r < DENSE_ROWS; ++r) {
                    sum[r][w] += weight * x[r * x_stride + i];
                }
            }
        }
        for (int r = 0; r < DENSE_ROWS; ++r) {
            put_block(layer, block, sum[r], out + r * out_stride);
        }
    }
}

ALWAYS_INLINE void dense_blocks(const bf_layer *layer, int32_t block, const int n_blocks,
                                const int32_t *places, const float *x, int32_t n, float *out)
{
    const ptrdiff_t size = (ptrdiff_t)layer->n_in * BF_BLOCK;
    const float *c = layer->blocks + block * size;
    vf sum[DENSE_BLOCKS][BLOCK_VECTORS];
    memset(sum, 0, sizeof sum);
    for (int32_t i = 0; i < n; ++i) {
        const float *at = c + (ptrdiff_t)places[i] * BF_BLOCK;
        UNROLL
        for (int b = 0; b < n_blocks; ++b) {
            UNROLL
            for (int w = 0; w < BLOCK_VECTORS; ++w) {
                sum[b][w] += vec_load(at + b * size + w * LANES) * x[i];
            }
        }
    }
    for (int b = 0; b < n_blocks; ++b) {
        put_block(layer, block + b, sum[b], out);
    }
}

/* One row. What is 0 in it is left out: weights are finite, and no sum from 0 on is ever -0, so
 * that adding 0 would change no bit. */
static void dense_row(const bf_layer *layer, const float *x, float *out, void *scratch)
{
    float *values = scratch;
    int32_t *places = (int32_t *)(values + layer->n_in), n = 0;
    for (int32_t i = 0; i < layer->n_in; ++i) {
        values[n] = x[i];
        places[n] = i;
        n += x[i] != 0.0f;
    }
    const int32_t n_blocks = (layer->n_out + BF_BLOCK - 1) / BF_BLOCK;
    int32_t block = 0;
    for (; block + DENSE_BLOCKS <= n_blocks; block += DENSE_BLOCKS) {
        dense_blocks(layer, block, DENSE_BLOCKS, places, values, n, out);
    }
    for (; block < n_blocks; ++block) {
        dense_blocks(layer, block, 1, places, values, n, out);
    }
}

static void dense(const bf_layer *layer, const float *x, ptrdiff_t x_stride, ptrdiff_t n_rows,
                  float *out, ptrdiff_t out_stride, void *scratch)
{
    ptrdiff_t row = 0;
    for (; row + DENSE_ROWS <= n_rows && DENSE_ROWS > 1; row += DENSE_ROWS) {
        dense_rows(layer, x + row * x_stride, x_stride, out + row * out_stride, out_stride);
    }
    for (; row < n_rows; ++row) {
        dense_row(layer, x + row * x_stride, out + row * out_stride, scratch);
    }
}
