/* What columns are like: mean, standard deviation, standard deviation of what changes from row to
 * row. */

ALWAYS_INLINE vf load_columns(const float *x, int32_t count)
{
    vf v = vec_all(0.0f);
    memcpy(&v, x, (size_t)count * sizeof(float));
    return v;
}

ALWAYS_INLINE void store_columns(float *out, vf v, int32_t count)
{
    memcpy(out, &v, (size_t)count * sizeof(float));
}

ALWAYS_INLINE vf root(vf v)
{
    float lanes[LANES];
    vec_store(lanes, v);
    for (int l = 0; l < LANES; ++l) {
        lanes[l] = sqrtf(lanes[l]);
    }
    return vec_load(lanes);
}

/* `count` <= LANES columns. Sums go from row to row: the same bits with any LANES. */
ALWAYS_INLINE void statistics_of(const float *x, ptrdiff_t n_rows, int32_t n_columns, int32_t count,
                                 float *out)
{
    const float n = (float)n_rows, n_changes = n_rows > 1 ? n - 1.0f : 1.0f;
    vf sum = vec_all(0.0f);
    for (ptrdiff_t row = 0; row < n_rows; ++row) {
        sum += load_columns(x + row * n_columns, count);
    }
    vf previous = load_columns(x, count);
    const vf mean = sum / n;
    const vf slope = (load_columns(x + (n_rows - 1) * n_columns, count) - previous) / n_changes;
    vf squares = (previous - mean) * (previous - mean), changes = vec_all(0.0f);
    for (ptrdiff_t row = 1; row < n_rows; ++row) {
        const vf values = load_columns(x + row * n_columns, count);
        const vf deviation = values - mean, change = (values - previous) - slope;
        squares += deviation * deviation;
        changes += change * change;
        previous = values;
    }
    store_columns(out, mean, count);
    store_columns(out + n_columns, root(squares / n), count);
    store_columns(out + 2 * n_columns, root(changes / n_changes), count);
}

static void statistics(const float *x, ptrdiff_t n_rows, int32_t n_columns, float *out)
{
    int32_t c = 0;
    for (; c + LANES <= n_columns; c += LANES) {
        statistics_of(x + c, n_rows, n_columns, LANES, out + c);
    }
    if (c < n_columns) {
        statistics_of(x + c, n_rows, n_columns, n_columns - c, out + c);
    }
}
