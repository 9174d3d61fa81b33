/* Rows of floats in and out of vectors, a lane for each row, and a matrix times all of them. */

/* rows[i] = sample i of every stream. */
static void load_rows(const float *const streams[LANES], ptrdiff_t n, vf *rows)
{
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf v[LANES];
        UNROLL
        for (int l = 0; l < LANES; ++l) {
            v[l] = vec_load(streams[l] + i);
        }
        vec_transpose(v);
        UNROLL
        for (int l = 0; l < LANES; ++l) {
            rows[i + l] = v[l];
        }
    }
    for (; i < n; ++i) {
        for (int l = 0; l < LANES; ++l) {
            ((float *)&rows[i])[l] = streams[l][i];
        }
    }
}

/* Lane l of values[v] goes to out[l][v]. */
static void store_rows(const vf *values, ptrdiff_t n, float *const out[LANES])
{
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf v[LANES];
        UNROLL
        for (int l = 0; l < LANES; ++l) {
            v[l] = values[i + l];
        }
        vec_transpose(v);
        UNROLL
        for (int l = 0; l < LANES; ++l) {
            vec_store(out[l] + i, v[l]);
        }
    }
    for (; i < n; ++i) {
        for (int l = 0; l < LANES; ++l) {
            out[l][i] = ((const float *)&values[i])[l];
        }
    }
}

/* y[r] = sum_i matrix[r][i] x[i], eight sums at a time: fewer would wait for their additions. */
static void multiply(const float *matrix, ptrdiff_t n_rows, ptrdiff_t n, const vf *x, vf *y)
{
    enum { SUMS = 8 };
    ptrdiff_t r = 0;
    for (; r + SUMS <= n_rows; r += SUMS, matrix += SUMS * n) {
        vf sum[SUMS];
        UNROLL
        for (int j = 0; j < SUMS; ++j) {
            sum[j] = vec_all(0.0f);
        }
        for (ptrdiff_t i = 0; i < n; ++i) {
            UNROLL
            for (int j = 0; j < SUMS; ++j) {
                sum[j] += x[i] * matrix[j * n + i];
            }
        }
        UNROLL
        for (int j = 0; j < SUMS; ++j) {
            y[r + j] = sum[j];
        }
    }
    for (; r < n_rows; ++r, matrix += n) {
        vf sum = vec_all(0.0f);
        for (ptrdiff_t i = 0; i < n; ++i) {
            sum += x[i] * matrix[i];
        }
        y[r] = sum;
    }
}
