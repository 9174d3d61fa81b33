/* The median of columns: the lower one of two, so that it is a value and no sum. It is found
 * between bounds that are halved, and then by going from value to value: what is found is the same
 * however the halving rounds. */

#define HALVINGS 9 /* of the range; about one value is then left between the bounds */

ALWAYS_INLINE vi count_up_to(const float *x, ptrdiff_t n_rows, int32_t n_columns, int32_t count,
                             vf bound)
{
    vi n = {0};
    for (ptrdiff_t row = 0; row < n_rows; ++row) {
        n -= VEC_MASK(load_columns(x + row * n_columns, count) <= bound);
    }
    return n;
}

/* The least value above `below`. */
ALWAYS_INLINE vf next_value(const float *x, ptrdiff_t n_rows, int32_t n_columns, int32_t count,
                            vf below)
{
    vf least = vec_all(INFINITY);
    for (ptrdiff_t row = 0; row < n_rows; ++row) {
        const vf v = load_columns(x + row * n_columns, count);
        least = vec_select(VEC_MASK(v > below) & VEC_MASK(v < least), v, least);
    }
    return least;
}

ALWAYS_INLINE int any_lane(vi mask)
{
    int32_t lanes[LANES], any = 0;
    memcpy(lanes, &mask, sizeof lanes);
    for (int l = 0; l < LANES; ++l) {
        any |= lanes[l];
    }
    return any;
}

/* `count` <= LANES columns. `below` is below the median, or low is; up to `high` there are enough.
 */
ALWAYS_INLINE void median_of(const float *x, ptrdiff_t n_rows, int32_t n_columns, int32_t count,
                             float *out)
{
    const vi rank = (vi){0} + (int32_t)((n_rows - 1) / 2);
    vf low = load_columns(x, count), high = low, below = vec_all(-INFINITY);
    for (ptrdiff_t row = 1; row < n_rows; ++row) {
        const vf v = load_columns(x + row * n_columns, count);
        low = vec_min(v, low);
        high = vec_select(VEC_MASK(v > high), v, high);
    }
    for (int halving = 0; halving < HALVINGS; ++halving) {
        const vf middle = low + (high - low) * 0.5f;
        const vi enough = VEC_MASK(count_up_to(x, n_rows, n_columns, count, middle) > rank);
        high = vec_select(enough, middle, high);
        low = vec_select(enough, low, middle);
        below = vec_select(enough, below, middle);
    }
    vf found = next_value(x, n_rows, n_columns, count, below);
    for (ptrdiff_t step = 1; step < n_rows; ++step) {
        const vi few = VEC_MASK(count_up_to(x, n_rows, n_columns, count, found) <= rank);
        if (!any_lane(few)) {
            break;
        }
        found = vec_select(few, next_value(x, n_rows, n_columns, count, found), found);
    }
    store_columns(out, found, count);
}

static void medians(const float *x, ptrdiff_t n_rows, int32_t n_columns, float *out)
{
    int32_t c = 0;
    for (; c + LANES <= n_columns; c += LANES) {
        median_of(x + c, n_rows, n_columns, LANES, out + c);
    }
    if (c < n_columns) {
        median_of(x + c, n_rows, n_columns, n_columns - c, out + c);
    }
}
