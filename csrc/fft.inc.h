/* Real Fourier transforms of LANES frames at a time, decimated in time.
 *
 * A transform of s points lies in s vectors, "half-complex": X[0], then re, im of X[1], X[2], ...,
 * then the real X[s / 2] if s is even. Leaves transform a few points straight from the frame; a
 * pass of radix r makes r transforms of s points one of r * s. Depth first, so that all but the
 * last pass stay in the first-level cache. */

typedef struct {
    vr re, im;
} vc;

static const real sqrt_half = (real)0.70710678118654752440;     /* cos(pi / 4) */
static const real sin_third = (real)0.86602540378443864676;     /* sin(2 pi / 3) */
static const real cos_fifth = (real)0.30901699437494742410;     /* cos(2 pi / 5) */
static const real sin_fifth = (real)0.95105651629515357212;     /* sin(2 pi / 5) */
static const real cos_2_fifths = (real)-0.80901699437494742410; /* cos(4 pi / 5) */
static const real sin_2_fifths = (real)0.58778525229247312917;  /* sin(4 pi / 5) */
static const real cos_16th = (real)0.92387953251128675613;      /* cos(pi / 8) */
static const real sin_16th = (real)0.38268343236508977173;      /* sin(pi / 8) */

/* ---- real points to half-complex ---- */

ALWAYS_INLINE void real_2(const vr *x, vr *y)
{
    y[0] = x[0] + x[1];
    y[1] = x[0] - x[1];
}

ALWAYS_INLINE void real_3(const vr *x, vr *y)
{
    const vr sum = x[1] + x[2];
    y[0] = x[0] + sum;
    y[1] = x[0] - sum * (real)0.5;
    y[2] = (x[2] - x[1]) * sin_third;
}

ALWAYS_INLINE void real_4(const vr *x, vr *y)
{
    const vr even = x[0] + x[2], odd = x[1] + x[3];
    y[0] = even + odd;
    y[1] = x[0] - x[2];
    y[2] = x[3] - x[1];
    y[3] = even - odd;
}

ALWAYS_INLINE void real_5(const vr *x, vr *y)
{
    const vr sum1 = x[1] + x[4], sum2 = x[2] + x[3];
    const vr dif1 = x[4] - x[1], dif2 = x[3] - x[2];
    y[0] = x[0] + (sum1 + sum2);
    y[1] = x[0] + (sum1 * cos_fifth + sum2 * cos_2_fifths);
    y[2] = dif1 * sin_fifth + dif2 * sin_2_fifths;
    y[3] = x[0] + (sum1 * cos_2_fifths + sum2 * cos_fifth);
    y[4] = dif1 * sin_2_fifths - dif2 * sin_fifth;
}

ALWAYS_INLINE void real_8(const vr *x, vr *y)
{
    vr e[4], o[4];
    real_4((const vr[4]){x[0], x[2], x[4], x[6]}, e);
    real_4((const vr[4]){x[1], x[3], x[5], x[7]}, o);
    const vr re = (o[1] + o[2]) * sqrt_half, im = (o[2] - o[1]) * sqrt_half;
    y[0] = e[0] + o[0];
    y[1] = e[1] + re;
    y[2] = e[2] + im;
    y[3] = e[3];
    y[4] = -o[3];
    y[5] = e[1] - re;
    y[6] = im - e[2];
    y[7] = e[0] - o[0];
}

ALWAYS_INLINE void real_16(const vr *x, vr *y)
{
    vr e[8], o[8];
    real_8((const vr[8]){x[0], x[2], x[4], x[6], x[8], x[10], x[12], x[14]}, e);
    real_8((const vr[8]){x[1], x[3], x[5], x[7], x[9], x[11], x[13], x[15]}, o);
    const vr re1 = o[1] * cos_16th + o[2] * sin_16th, im1 = o[2] * cos_16th - o[1] * sin_16th;
    const vr re2 = (o[3] + o[4]) * sqrt_half, im2 = (o[4] - o[3]) * sqrt_half;
    const vr re3 = o[5] * sin_16th + o[6] * cos_16th, im3 = o[6] * sin_16th - o[5] * cos_16th;
    y[0] = e[0] + o[0];
    y[1] = e[1] + re1;
    y[2] = e[2] + im1;
    y[3] = e[3] + re2;
    y[4] = e[4] + im2;
    y[5] = e[5] + re3;
    y[6] = e[6] + im3;
    y[7] = e[7];
    y[8] = -o[7];
    y[9] = e[5] - re3;
    y[10] = im3 - e[6];
    y[11] = e[3] - re2;
    y[12] = im2 - e[4];
    y[13] = e[1] - re1;
    y[14] = im1 - e[2];
    y[15] = e[0] - o[0];
}

ALWAYS_INLINE void real_points(const int n, const vr *x, vr *y)
{
    switch (n) {
    case 2:
        return real_2(x, y);
    case 3:
        return real_3(x, y);
    case 4:
        return real_4(x, y);
    case 5:
        return real_5(x, y);
    case 8:
        return real_8(x, y);
    default:
        return real_16(x, y);
    }
}

/* ---- real points to half frequencies: y[m] = sum_j x[j] exp(-i pi j (2 m + 1) / r), of which the
 * middle one is real when r is odd ---- */

ALWAYS_INLINE void half_3(const vr *x, vc *y)
{
    vr t[3];
    real_3((const vr[3]){x[0], -x[1], x[2]}, t);
    y[1] = (vc){t[0], t[0]};
    y[0] = (vc){t[1], -t[2]};
}

ALWAYS_INLINE void half_4(const vr *x, vc *y)
{
    const vr dif = (x[1] - x[3]) * sqrt_half, sum = (x[1] + x[3]) * sqrt_half;
    y[0] = (vc){x[0] + dif, -x[2] - sum};
    y[1] = (vc){x[0] - dif, x[2] - sum};
}

ALWAYS_INLINE void half_5(const vr *x, vc *y)
{
    vr t[5];
    real_5((const vr[5]){x[0], -x[1], x[2], -x[3], x[4]}, t);
    y[2] = (vc){t[0], t[0]};
    y[1] = (vc){t[1], -t[2]};
    y[0] = (vc){t[3], -t[4]};
}

ALWAYS_INLINE void half_8(const vr *x, vc *y)
{
    vc e[2], o[2];
    half_4((const vr[4]){x[0], x[2], x[4], x[6]}, e);
    half_4((const vr[4]){x[1], x[3], x[5], x[7]}, o);
    const vr re0 = o[0].re * cos_16th + o[0].im * sin_16th;
    const vr im0 = o[0].im * cos_16th - o[0].re * sin_16th;
    const vr re1 = o[1].re * sin_16th + o[1].im * cos_16th;
    const vr im1 = o[1].im * sin_16th - o[1].re * cos_16th;
    y[0] = (vc){e[0].re + re0, e[0].im + im0};
    y[1] = (vc){e[1].re + re1, e[1].im + im1};
    y[2] = (vc){e[1].re - re1, im1 - e[1].im};
    y[3] = (vc){e[0].re - re0, im0 - e[0].im};
}

ALWAYS_INLINE void half_frequencies(const int r, const vr *x, vc *y)
{
    switch (r) {
    case 3:
        return half_3(x, y);
    case 4:
        return half_4(x, y);
    case 5:
        return half_5(x, y);
    default:
        return half_8(x, y);
    }
}

/* ---- complex points, in place; the upper half of the results comes conjugated, as the
 * half-complex order wants it ---- */

ALWAYS_INLINE vc add(vc a, vc b)
{
    return (vc){a.re + b.re, a.im + b.im};
}

ALWAYS_INLINE vc sub(vc a, vc b)
{
    return (vc){a.re - b.re, a.im - b.im};
}

ALWAYS_INLINE vc times(vc a, real s)
{
    return (vc){a.re * s, a.im * s};
}

/* a + i b */
ALWAYS_INLINE vc add_i(vc a, vc b)
{
    return (vc){a.re - b.im, a.im + b.re};
}

/* a - i b */
ALWAYS_INLINE vc sub_i(vc a, vc b)
{
    return (vc){a.re + b.im, a.im - b.re};
}

/* The conjugate of a - b */
ALWAYS_INLINE vc sub_conj(vc a, vc b)
{
    return (vc){a.re - b.re, b.im - a.im};
}

/* The conjugate of a - i b */
ALWAYS_INLINE vc sub_i_conj(vc a, vc b)
{
    return (vc){a.re + b.im, b.re - a.im};
}

ALWAYS_INLINE void complex_3(vc *z)
{
    const vc sum = add(z[1], z[2]), dif = times(sub(z[2], z[1]), sin_third);
    const vc mid = sub(z[0], times(sum, (real)0.5));
    z[0] = add(z[0], sum);
    z[1] = add_i(mid, dif);
    z[2] = sub_i_conj(mid, dif);
}

ALWAYS_INLINE void complex_4(vc *z)
{
    const vc sum0 = add(z[0], z[2]), dif0 = sub(z[0], z[2]);
    const vc sum1 = add(z[1], z[3]), dif1 = sub(z[3], z[1]);
    z[0] = add(sum0, sum1);
    z[1] = add_i(dif0, dif1);
    z[2] = sub_conj(sum0, sum1);
    z[3] = sub_i_conj(dif0, dif1);
}

ALWAYS_INLINE void complex_5(vc *z)
{
    const vc sum1 = add(z[1], z[4]), dif1 = sub(z[4], z[1]);
    const vc sum2 = add(z[2], z[3]), dif2 = sub(z[3], z[2]);
    const vc mid1 = add(z[0], add(times(sum1, cos_fifth), times(sum2, cos_2_fifths)));
    const vc mid2 = add(z[0], add(times(sum1, cos_2_fifths), times(sum2, cos_fifth)));
    const vc side1 = add(times(dif1, sin_fifth), times(dif2, sin_2_fifths));
    const vc side2 = sub(times(dif1, sin_2_fifths), times(dif2, sin_fifth));
    z[0] = add(z[0], add(sum1, sum2));
    z[1] = add_i(mid1, side1);
    z[2] = add_i(mid2, side2);
    z[3] = sub_i_conj(mid2, side2);
    z[4] = sub_i_conj(mid1, side1);
}

/* The even and the odd points by radix 4, then z[m], z[m + 4] = even[m] +- w^m odd[m] with
 * w = exp(-i pi / 4). */
ALWAYS_INLINE void complex_8(vc *z)
{
    const vc sum04 = add(z[0], z[4]), dif04 = sub(z[0], z[4]);
    const vc sum26 = add(z[2], z[6]), dif26 = sub(z[6], z[2]);
    const vc sum15 = add(z[1], z[5]), dif15 = sub(z[1], z[5]);
    const vc sum37 = add(z[3], z[7]), dif37 = sub(z[7], z[3]);
    const vc even0 = add(sum04, sum26), even2 = sub(sum04, sum26);
    const vc even1 = add_i(dif04, dif26), even3 = sub_i(dif04, dif26);
    const vc odd0 = add(sum15, sum37), minus_odd2 = sub(sum37, sum15);
    const vc odd1 = add_i(dif15, dif37), odd3 = sub_i(dif15, dif37);
    const vc turned1 = times((vc){odd1.re + odd1.im, odd1.im - odd1.re}, sqrt_half);
    const vc turned3 = {(odd3.im - odd3.re) * sqrt_half, (odd3.re + odd3.im) * -sqrt_half};
    z[0] = add(even0, odd0);
    z[1] = add(even1, turned1);
    z[2] = add_i(even2, minus_odd2);
    z[3] = add(even3, turned3);
    z[4] = sub_conj(even0, odd0);
    z[5] = sub_conj(even1, turned1);
    z[6] = sub_i_conj(even2, minus_odd2);
    z[7] = sub_conj(even3, turned3);
}

ALWAYS_INLINE void complex_points(const int r, vc *z)
{
    switch (r) {
    case 3:
        return complex_3(z);
    case 4:
        return complex_4(z);
    case 5:
        return complex_5(z);
    default:
        return complex_8(z);
    }
}

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

typedef enum { KEEP_ALL, KEEP_POWER, KEEP_REAL } keep;

/* Bin k of a transform of n points, 0 < k < n / 2. */
ALWAYS_INLINE void put(const keep what, vr *out, ptrdiff_t k, vr re, vr im)
{
    if (what == KEEP_ALL) {
        out[2 * k - 1] = re;
        out[2 * k] = im;
    } else {
        re = vec_round(re);
        im = vec_round(im);
        out[k] = what == KEEP_POWER ? re * re + im * im : re;
    }
}

/* Bins 0 and n / 2, which are real. */
ALWAYS_INLINE void put_real(const keep what, vr *out, ptrdiff_t k, vr re)
{
    re = what == KEEP_ALL ? re : vec_round(re);
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
        put(what, out, m * s, y[2 * m - 1], y[2 * m]);
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
            put(what, out, k + m * s, z[m].re, z[m].im);
        }
        UNROLL
        for (int m = half; m < r; ++m) {
            put(what, out, n - k - m * s, z[m].re, z[m].im);
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
            put(what, out, s / 2 + m * s, z[m].re, z[m].im);
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
    DEFINE_PASS(r, KEEP_REAL)
DEFINE_PASSES(3)
DEFINE_PASSES(4)
DEFINE_PASSES(5)
DEFINE_PASSES(8)

typedef void leaf_function(const bf_fft *, ptrdiff_t, const vf *, vr *);
typedef void pass_function(const vr *, ptrdiff_t, const real *, vr *);

static leaf_function *const leaf_functions[] = {
    [2] = leaf_2, [3] = leaf_3, [4] = leaf_4, [5] = leaf_5, [8] = leaf_8, [16] = leaf_16,
};

#define PASSES(r) {pass_##r##_KEEP_ALL, pass_##r##_KEEP_POWER, pass_##r##_KEEP_REAL}
static pass_function *const pass_functions[][3] = {
    [3] = PASSES(3),
    [4] = PASSES(4),
    [5] = PASSES(5),
    [8] = PASSES(8),
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

/* ---- the cosine transform: the real part of a folded frame ---- */

/* A dense DCT-I of a few folded points: x[k] = sum_i point[i] cos(pi i k / n_core). */
static void cosine_core(const bf_spectrogram *plan, const vf *frame, vr *scratch, vr *x)
{
    const int32_t n = plan->n_core + 1;
    for (int32_t i = 0; i < n; ++i) {
        scratch[i] = folded(frame[plan->core_rows[i]], frame[plan->core_mirror_rows[i]],
                            plan->core_window[i]);
    }
    for (int32_t k = 0; k < n; ++k) {
        vr sum = scratch[0] * plan->CORE_MATRIX[k * n];
        for (int32_t i = 1; i < n; ++i) {
            sum += scratch[i] * plan->CORE_MATRIX[k * n + i];
        }
        x[k] = sum;
    }
}

ALWAYS_INLINE void put_pair(vr *x, ptrdiff_t k, ptrdiff_t mirror, ptrdiff_t last, vr odd)
{
    const vr even = x[k];
    if (k <= last) {
        x[k] = even + odd;
    }
    if (mirror <= last) {
        x[mirror] = even - odd;
    }
}

/* The DCT-I of h + 1 even points in x becomes that of 2 h + 1 points. Of the odd points, f is the
 * Fourier transform in Makhoul's order (IEEE Trans. ASSP 28, 1980), which a rotation makes their
 * DCT-II c: then x[k] = x[k] + c[k], x[2 h - k] = x[k] - c[k]. Only bins up to `last` are made. */
static void cosine_double(const vr *f, ptrdiff_t h, const real *rotation, ptrdiff_t last, vr *x)
{
    /* Where only bins below h / 2 are wanted, those above are not even looked at. */
    const ptrdiff_t end = 2 * last < h ? last + 1 : (h + 1) / 2;
    put_pair(x, 0, 2 * h, last, f[0]);
    for (ptrdiff_t k = 1; k < end; ++k, rotation += 2) {
        const vr re = f[2 * k - 1], im = f[2 * k];
        put_pair(x, k, 2 * h - k, last, re * rotation[0] + im * rotation[1]);
        if (h - k <= last) {
            put_pair(x, h - k, h + k, last, re * rotation[1] - im * rotation[0]);
        }
    }
    if (2 * last >= h) {
        put_pair(x, h / 2, h + h / 2, last, f[h - 1] * rotation[0]);
    }
}

static void cosine_transform(const bf_spectrogram *plan, const vf *frame, vr *scratch, vr *x)
{
    cosine_core(plan, frame, scratch, x);
    for (int32_t t = 0; t < plan->n_transforms; ++t) {
        const bf_fft *fft = &plan->transforms[t];
        vr *f = scratch;
        transform(fft, KEEP_ALL, frame, scratch + fft->n, f);
        cosine_double(f, fft->n, fft->ROTATION, plan->last_bin, x);
    }
}
