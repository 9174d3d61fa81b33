/* Rows times a matrix. */

static void project(const float *x, ptrdiff_t x_stride, ptrdiff_t n_rows, int32_t n_in, float floor,
                    const float *matrix, int32_t n_out, float *out, ptrdiff_t out_stride,
                    void *scratch)
{
    vf *in = scratch, *sums = in + n_in;
    for (ptrdiff_t first = 0; first < n_rows; first += LANES) {
        const float *rows[LANES];
        float *out_rows[LANES];
        for (int l = 0; l < LANES; ++l) {
            const ptrdiff_t row = first + l < n_rows ? first + l : n_rows - 1;
            rows[l] = x + row * x_stride;
            out_rows[l] = out + row * out_stride;
        }
        load_rows(rows, n_in, in);
        for (int32_t i = 0; i < n_in; ++i) {
            in[i] = vec_raise(in[i], vec_all(floor));
        }
        multiply(matrix, n_out, n_in, in, sums);
        store_rows(sums, n_out, out_rows);
    }
}
