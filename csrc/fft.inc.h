/* Real Fourier transforms of LANES frames at a time, decimated in time.
 *
 * A transform of s points lies in s vectors, "half-complex": X[0], then re, im of X[1], X[2], ...,
 * then the real X[s / 2] if s is even. Leaves transform a few points straight from the frame; a
 * pass of radix r makes r transforms of s points one of r * s. Depth first, so that all but the
 * last pass stay in the first-level cache. */

/* ---- leaves ---- */

/* Two samples that share a weight. Exactly, each product is rounded before the sum, as it is where
 * a frame is multiplied by its window first and transformed then. */
ALWAYS_INLINE vr folded(vf a, vf b, float weight)
{
#if defined(EXACT)
    return vec_widen(a * weight) + vec_widen(b * weight);
#else
    return (a + b) * weight;
#endif
}

ALWAYS_INLINE void leaves(const int n, const bf_fft *fft, ptrdiff_t first, const vf *frame, vr *out)
{
    const int32_t *rows = fft->rows + first, *mirror_rows = fft->mirror_rows;
    const float *window = fft->window + first;
    vr x[16];
    if (mirror_rows == NULL) {
        UNROLL
        for (int i = 0; i < n; ++i) {
            x[i] = vec_widen(frame[rows[i]] * window[i]);
        }
    } else {
        UNROLL
        for (int i = 0; i < n; ++i) {
            x[i] = folded(frame[rows[i]], frame[mirror_rows[first + i]], window[i]);
        }
    }
    real_points(n, x, out);
}

/* ---- passes ---- */

/* KEEP_HARTLEY: h[k] = re - im, h[n - k] = re + im, of which the same transform makes n times the
 * points again (Bracewell, JOSA 73, 1983). */
typedef enum { KEEP_ALL, KEEP_POWER, KEEP_REAL, KEEP_HARTLEY } keep;

/* Bin k of a transform of n points, 0 < k < n / 2. */
ALWAYS_INLINE void put(const keep what, vr *out, ptrdiff_t n, ptrdiff_t k, vr re, vr im)
{
    if (what == KEEP_ALL) {
        out[2 * k - 1] = re;
        out[2 * k] = im;
    } else if (what == KEEP_HARTLEY) {
        out[k] = re - im;
        out[n - k] = re + im;
    } else {
        re = vec_round(re);
        im = vec_round(im);
        out[k] = what == KEEP_POWER ? re * re + im * im : re;
    }
}

/* Bins 0 and n / 2, which are real. */
ALWAYS_INLINE void put_real(const keep what, vr *out, ptrdiff_t k, vr re)
{
    re = what == KEEP_ALL || what == KEEP_HARTLEY ? re : vec_round(re);
    out[what == KEEP_ALL && k > 0 ? 2 * k - 1 : k] = what == KEEP_POWER ? re * re : re;
}

/* r transforms of s points at `in` become one of r * s points, of which `what` goes to out. */
ALWAYS_INLINE void pass(const int r, const keep what, const vr *restrict in, ptrdiff_t s,
                        const real *restrict twiddles, vr *restrict out)
{
    const int half = (r + 1) / 2;
    const ptrdiff_t n = r * s;
    vr x[8], y[8];
    vc z[8];

    UNROLL
    for (int j = 0; j < r; ++j) {
        x[j] = in[j * s];
    }
    real_points(r, x, y);
    put_real(what, out, 0, y[0]);
    UNROLL
    for (int m = 1; m < half; ++m) {
        put(what, out, n, m * s, y[2 * m - 1], y[2 * m]);
    }
    if (r % 2 == 0) {
        put_real(what, out, n / 2, y[r - 1]);
    }

    for (ptrdiff_t k = 1; 2 * k < s; ++k, twiddles += 2 * (r - 1)) {
        z[0] = (vc){in[2 * k - 1], in[2 * k]};
        UNROLL
        for (int j = 1; j < r; ++j) {
            const vr re = in[j * s + 2 * k - 1], im = in[j * s + 2 * k];
            const real c = twiddles[2 * j - 2], d = twiddles[2 * j - 1];
            z[j] = (vc){re * c + im * d, im * c - re * d};
        }
        complex_points(r, z);
        UNROLL
        for (int m = 0; m < half; ++m) {
            put(what, out, n, k + m * s, z[m].re, z[m].im);
        }
        UNROLL
        for (int m = half; m < r; ++m) {
            put(what, out, n, n - k - m * s, z[m].re, z[m].im);
        }
    }

    if (s % 2 == 0) {
        UNROLL
        for (int j = 0; j < r; ++j) {
            x[j] = in[j * s + s - 1];
        }
        half_frequencies(r, x, z);
        UNROLL
        for (int m = 0; m < r / 2; ++m) {
            put(what, out, n, s / 2 + m * s, z[m].re, z[m].im);
        }
        if (r % 2 == 1) {
            put_real(what, out, n / 2, z[r / 2].re);
        }
    }
}

#define DEFINE_LEAF(n)                                                                             \
    static void leaf_##n(const bf_fft *fft, ptrdiff_t first, const vf *frame, vr *out)             \
    {                                                                                              \
        leaves(n, fft, first, frame, out);                                                         \
    }
DEFINE_LEAF(2)
DEFINE_LEAF(3)
DEFINE_LEAF(4)
DEFINE_LEAF(5)
DEFINE_LEAF(8)
DEFINE_LEAF(16)

#define DEFINE_PASS(r, what)                                                                       \
    static void pass_##r##_##what(const vr *in, ptrdiff_t s, const real *twiddles, vr *out)        \
    {                                                                                              \
        pass(r, what, in, s, twiddles, out);                                                       \
    }
#define DEFINE_PASSES(r)                                                                           \
    DEFINE_PASS(r, KEEP_ALL)                                                                       \
    DEFINE_PASS(r, KEEP_POWER)                                                                     \
    DEFINE_PASS(r, KEEP_REAL)                                                                      \
    DEFINE_PASS(r, KEEP_HARTLEY)
DEFINE_PASSES(3)
DEFINE_PASSES(4)
DEFINE_PASSES(5)
DEFINE_PASSES(7)
DEFINE_PASSES(8)

typedef void leaf_function(const bf_fft *, ptrdiff_t, const vf *, vr *);
typedef void pass_function(const vr *, ptrdiff_t, const real *, vr *);

static leaf_function *const leaf_functions[] = {
    [2] = leaf_2, [3] = leaf_3, [4] = leaf_4, [5] = leaf_5, [8] = leaf_8, [16] = leaf_16,
};

#define PASSES(r)                                                                                  \
    {pass_##r##_KEEP_ALL, pass_##r##_KEEP_POWER, pass_##r##_KEEP_REAL, pass_##r##_KEEP_HARTLEY}
static pass_function *const pass_functions[][4] = {
    [3] = PASSES(3), [4] = PASSES(4), [5] = PASSES(5), [7] = PASSES(7), [8] = PASSES(8),
};

/* ---- a whole transform ---- */

/* Vectors of scratch that `transform` wants: the input of every pass. */
static ptrdiff_t transform_scratch(const bf_fft *fft)
{
    ptrdiff_t n = fft->leaf, total = 0;
    for (int p = 0; p < fft->n_passes; ++p) {
        n *= fft->radix[p];
        total += n;
    }
    return total;
}

/* The first `level` passes, on the leaves from point `first` on, which make n points. The twiddles
 * are those of the level's own pass, then of the passes below. */
static void transform_level(const bf_fft *fft, int level, ptrdiff_t n, ptrdiff_t first,
                            const real *twiddles, keep what, const vf *frame, vr *scratch, vr *out)
{
    if (level == 0) {
        leaf_functions[fft->leaf](fft, first, frame, out);
        return;
    }
    const int32_t r = fft->radix[level - 1];
    const ptrdiff_t s = n / r;
    const real *twiddles_below = twiddles + (s - 1) / 2 * (r - 1) * 2;
    for (int j = 0; j < r; ++j) {
        transform_level(fft, level - 1, s, first + j * s, twiddles_below, KEEP_ALL, frame,
                        scratch + n, scratch + j * s);
    }
    pass_functions[r][what](scratch, s, twiddles, out);
}

static void transform(const bf_fft *fft, keep what, const vf *frame, vr *scratch, vr *out)
{
    transform_level(fft, fft->n_passes, fft->n, 0, fft->TWIDDLES, what, frame, scratch, out);
}
