/* Transforms of a few points, in registers: of real points (half-complex results, see fft.inc.h),
 * of real points to half frequencies, of complex points. */

typedef struct {
    vr re, im;
} vc;

static const real sqrt_half = (real)0.70710678118654752440;     /* cos(pi / 4) */
static const real sin_third = (real)0.86602540378443864676;     /* sin(2 pi / 3) */
static const real cos_fifth = (real)0.30901699437494742410;     /* cos(2 pi / 5) */
static const real sin_fifth = (real)0.95105651629515357212;     /* sin(2 pi / 5) */
static const real cos_2_fifths = (real)-0.80901699437494742410; /* cos(4 pi / 5) */
static const real sin_2_fifths = (real)0.58778525229247312917;  /* sin(4 pi / 5) */
static const real cos_7th = (real)0.62348980185873353053;       /* cos(2 pi / 7) */
static const real sin_7th = (real)0.78183148246802980871;       /* sin(2 pi / 7) */
static const real cos_2_7ths = (real)-0.22252093395631440429;   /* cos(4 pi / 7) */
static const real sin_2_7ths = (real)0.97492791218182360702;    /* sin(4 pi / 7) */
static const real cos_3_7ths = (real)-0.90096886790241912624;   /* cos(6 pi / 7) */
static const real sin_3_7ths = (real)0.43388373911755812048;    /* sin(6 pi / 7) */
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

ALWAYS_INLINE void real_7(const vr *x, vr *y)
{
    const vr sum1 = x[1] + x[6], sum2 = x[2] + x[5], sum3 = x[3] + x[4];
    const vr dif1 = x[6] - x[1], dif2 = x[5] - x[2], dif3 = x[4] - x[3];
    y[0] = x[0] + (sum1 + sum2 + sum3);
    y[1] = x[0] + (sum1 * cos_7th + sum2 * cos_2_7ths + sum3 * cos_3_7ths);
    y[2] = dif1 * sin_7th + dif2 * sin_2_7ths + dif3 * sin_3_7ths;
    y[3] = x[0] + (sum1 * cos_2_7ths + sum2 * cos_3_7ths + sum3 * cos_7th);
    y[4] = dif1 * sin_2_7ths - dif2 * sin_3_7ths - dif3 * sin_7th;
    y[5] = x[0] + (sum1 * cos_3_7ths + sum2 * cos_7th + sum3 * cos_2_7ths);
    y[6] = dif1 * sin_3_7ths - dif2 * sin_7th + dif3 * sin_2_7ths;
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
    case 7:
        return real_7(x, y);
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

ALWAYS_INLINE void half_7(const vr *x, vc *y)
{
    vr t[7];
    real_7((const vr[7]){x[0], -x[1], x[2], -x[3], x[4], -x[5], x[6]}, t);
    y[3] = (vc){t[0], t[0]};
    y[2] = (vc){t[1], -t[2]};
    y[1] = (vc){t[3], -t[4]};
    y[0] = (vc){t[5], -t[6]};
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
    case 7:
        return half_7(x, y);
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

ALWAYS_INLINE vc add_3(vc a, vc b, vc c)
{
    return add(add(a, b), c);
}

ALWAYS_INLINE void complex_7(vc *z)
{
    const vc sum1 = add(z[1], z[6]), dif1 = sub(z[6], z[1]);
    const vc sum2 = add(z[2], z[5]), dif2 = sub(z[5], z[2]);
    const vc sum3 = add(z[3], z[4]), dif3 = sub(z[4], z[3]);
    const vc mid1 =
        add(z[0], add_3(times(sum1, cos_7th), times(sum2, cos_2_7ths), times(sum3, cos_3_7ths)));
    const vc mid2 =
        add(z[0], add_3(times(sum1, cos_2_7ths), times(sum2, cos_3_7ths), times(sum3, cos_7th)));
    const vc mid3 =
        add(z[0], add_3(times(sum1, cos_3_7ths), times(sum2, cos_7th), times(sum3, cos_2_7ths)));
    const vc side1 = add_3(times(dif1, sin_7th), times(dif2, sin_2_7ths), times(dif3, sin_3_7ths));
    const vc side2 =
        add_3(times(dif1, sin_2_7ths), times(dif2, -sin_3_7ths), times(dif3, -sin_7th));
    const vc side3 = add_3(times(dif1, sin_3_7ths), times(dif2, -sin_7th), times(dif3, sin_2_7ths));
    z[0] = add(z[0], add_3(sum1, sum2, sum3));
    z[1] = add_i(mid1, side1);
    z[2] = add_i(mid2, side2);
    z[3] = add_i(mid3, side3);
    z[4] = sub_i_conj(mid3, side3);
    z[5] = sub_i_conj(mid2, side2);
    z[6] = sub_i_conj(mid1, side1);
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
    case 7:
        return complex_7(z);
    default:
        return complex_8(z);
    }
}
