/* Logarithm, power and normalisation, lane by lane. */

/* x = mantissa * 2^exponent with mantissa in [sqrt(1/2), sqrt(2)), for finite x > 0, denormal or
 * not. The exponent comes as a float. */
typedef struct {
    vf mantissa, exponent;
} vec_split;

ALWAYS_INLINE vec_split split(vf x)
{
    const float two_23 = 8388608.0f, smallest_normal = 1.17549435e-38f;
    const vi denormal = VEC_MASK(x < smallest_normal);
    const vu bits = (vu)vec_bits(vec_select(denormal, x * two_23, x));
    /* Counted from the bits of sqrt(1/2), the exponent field steps where the mantissa should. */
    const vi above = (vi)(bits - 0x3f3504f3u);
    const vi exponent = (above >> 23) - (denormal & 23);
    const vi mantissa = (above & 0x007fffff) + 0x3f3504f3;
    /* A small int becomes a float by adding it to the bits of 1.5 * 2^23. */
    return (vec_split){vec_from_bits(mantissa), vec_from_bits(exponent + 0x4b400000) - 12582912.0f};
}

/* `inside` where x is positive and finite; else the value at 0 or at infinity; else NaN. */
ALWAYS_INLINE vf extend(vf x, vf inside, float at_zero, float at_infinity)
{
    const float infinity = __builtin_inff();
    vf v = vec_all(__builtin_nanf(""));
    v = vec_select(VEC_MASK(x == infinity), vec_all(at_infinity), v);
    v = vec_select(VEC_MASK(x == 0.0f), vec_all(at_zero), v);
    return vec_select(VEC_MASK(x > 0.0f) & VEC_MASK(x < infinity), inside, v);
}

/* log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1]: the polynomial of Cephes' logf, summed in
 * pairs (Estrin): a chain of dependent steps is what a logarithm waits for. */
ALWAYS_INLINE vf log1p_tail(vf f)
{
    const vf f2 = f * f, f4 = f2 * f2;
    const vf p01 = f * -2.4999993993e-1f + 3.3333331174e-1f;
    const vf p23 = f * -1.6668057665e-1f + 2.0000714765e-1f;
    const vf p45 = f * -1.2420140846e-1f + 1.4249322787e-1f;
    const vf p67 = f * -1.1514610310e-1f + 1.1676998740e-1f;
    const vf p4_8 = (p45 + p67 * f2) + f4 * 7.0376836292e-2f;
    const vf p = (p01 + p23 * f2) + p4_8 * f4;
    return p * (f * f2) - f2 * 0.5f;
}

/* Vectors at a time in a chain of stages: the chain is long, and what a CPU can look ahead is
 * short, so that a stage of several vectors keeps it busier than all stages of one. */
enum { STAGE = 8 };

static void log_stage(vf *x, int n)
{
    vec_split s[STAGE];
    for (int i = 0; i < n; ++i) {
        s[i] = split(x[i]);
    }
    for (int i = 0; i < n; ++i) {
        const vf f = s[i].mantissa - 1.0f;
        /* log(2) in two parts, of which the larger has few bits: its product is exact. */
        const vf tail = log1p_tail(f) - s[i].exponent * 2.12194440e-4f;
        const vf inside = (f + tail) + s[i].exponent * 0.693359375f;
        x[i] = extend(x[i], inside, -__builtin_inff(), __builtin_inff());
    }
}

/* x[i] = log(x[i]) */
static void log_vectors(vf *x, ptrdiff_t n)
{
    for (; n > 0; n -= STAGE, x += STAGE) {
        log_stage(x, n < STAGE ? (int)n : STAGE);
    }
}

/* 2 ** (high + low); high may be large if it has few bits behind the point. */
ALWAYS_INLINE vf vec_exp2(vf high, vf low)
{
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    const vf whole = (high + low) + to_integer;
    const vf f = (high - (whole - to_integer)) + low, f2 = f * f;
    const vf p12 = f * 2.402264791363012e-1f + 6.931472028550421e-1f; /* Cephes' exp2f */
    const vf p34 = f * 9.618437357674640e-3f + 5.550332471162809e-2f;
    const vf p56 = f * 1.535336188319500e-4f + 1.339887440266574e-3f;
    const vf p = (p12 + p34 * f2) + p56 * (f2 * f2);
    /* The power of two in two steps, so that overflow and denormals come out right. */
    const vi least = (vi){0} - 252, most = (vi){0} + 252;
    vi n = (vi)((vu)vec_bits(whole) - 0x4b400000u);
    n = vec_select_int(VEC_MASK(n < least), least, n);
    n = vec_select_int(VEC_MASK(n > most), most, n);
    const vi half = n >> 1;
    const vf p_half = (p * f + 1.0f) * vec_from_bits((half + 127) << 23);
    return p_half * vec_from_bits((n - half + 127) << 23);
}

/* An exponent, and what depends on it alone. */
typedef struct {
    float all, high, low; /* all = high + low; high has 12 bits: exact when times a small integer */
    float at_zero, at_infinity;
} power;

static power power_of(float exponent)
{
    uint32_t bits;
    power p = {.all = exponent};
    memcpy(&bits, &exponent, sizeof bits);
    bits &= 0xfffff000u;
    memcpy(&p.high, &bits, sizeof p.high);
    p.low = exponent - p.high;
    p.at_zero = exponent > 0.0f ? 0.0f : exponent < 0.0f ? __builtin_inff() : 1.0f;
    p.at_infinity = 1.0f / p.at_zero;
    return p;
}

static void pow_stage(vf *x, int n, power p)
{
    const float log2_e = 1.44269504f;
    vf high[STAGE], low[STAGE];
    for (int i = 0; i < n; ++i) {
        const vec_split s = split(x[i]);
        const vf f = s.mantissa - 1.0f;
        const vf log2_mantissa = (f + log1p_tail(f)) * log2_e;
        high[i] = s.exponent * p.high;
        low[i] = s.exponent * p.low + log2_mantissa * p.all;
    }
    for (int i = 0; i < n; ++i) {
        x[i] = extend(x[i], vec_exp2(high[i], low[i]), p.at_zero, p.at_infinity);
    }
}

/* x[i] = x[i] ** p */
static void pow_vectors(vf *x, ptrdiff_t n, power p)
{
    for (; n > 0; n -= STAGE, x += STAGE) {
        pow_stage(x, n < STAGE ? (int)n : STAGE, p);
    }
}

/* The next values of `left` as a stage, zeros behind them; returns their bytes. */
ALWAYS_INLINE size_t next_stage(const float *x, ptrdiff_t left, vf v[STAGE])
{
    const size_t n_bytes = (size_t)(left < STAGE * LANES ? left : STAGE * LANES) * sizeof *x;
    memset(v, 0, STAGE * sizeof *v);
    memcpy(v, x, n_bytes);
    return n_bytes;
}

static void log_array(const float *x, ptrdiff_t n, float *out)
{
    vf v[STAGE];
    for (ptrdiff_t i = 0; i < n; i += STAGE * LANES) {
        const size_t n_bytes = next_stage(x + i, n - i, v);
        log_stage(v, STAGE);
        memcpy(out + i, v, n_bytes);
    }
}

static void pow_array(const float *x, ptrdiff_t n, float exponent, float *out)
{
    const power p = power_of(exponent);
    vf v[STAGE];
    for (ptrdiff_t i = 0; i < n; i += STAGE * LANES) {
        const size_t n_bytes = next_stage(x + i, n - i, v);
        pow_stage(v, STAGE, p);
        memcpy(out + i, v, n_bytes);
    }
}

/* x[i] = exp(x[i]). What is beyond the bounds is 0 or infinite anyway. */
static void exp_stage(vf *x, int n)
{
    const float to_integer = 12582912.0f, log2_e = 1.44269504f;
    for (int i = 0; i < n; ++i) {
        vf v = vec_raise(x[i], vec_all(-150.0f));
        v = vec_select(VEC_MASK(v > 130.0f), vec_all(130.0f), v);
        const vf whole = (v * log2_e + to_integer) - to_integer;
        const vf rest = (v - whole * 0.693359375f) + whole * 2.12194440e-4f;
        x[i] = vec_exp2(whole, rest * log2_e);
    }
}

static void exp_array(const float *x, ptrdiff_t n, float *out)
{
    vf v[STAGE];
    for (ptrdiff_t i = 0; i < n; i += STAGE * LANES) {
        const size_t n_bytes = next_stage(x + i, n - i, v);
        exp_stage(v, STAGE);
        memcpy(out + i, v, n_bytes);
    }
}

/* Smallest and largest of x: exact, so the order does not matter. */
static void extremes(const float *x, ptrdiff_t n, float *smallest, float *largest)
{
    enum { CHAINS = 4 };
    float low[CHAINS * LANES], high[CHAINS * LANES];
    vf lows[CHAINS], highs[CHAINS];
    UNROLL
    for (int c = 0; c < CHAINS; ++c) {
        lows[c] = vec_all(__builtin_inff());
        highs[c] = -lows[c];
    }
    ptrdiff_t i = 0;
    for (; i + CHAINS * LANES <= n; i += CHAINS * LANES) {
        UNROLL
        for (int c = 0; c < CHAINS; ++c) {
            const vf v = vec_load(x + i + c * LANES);
            lows[c] = vec_select(VEC_MASK(v < lows[c]), v, lows[c]);
            highs[c] = vec_select(VEC_MASK(v > highs[c]), v, highs[c]);
        }
    }
    UNROLL
    for (int c = 0; c < CHAINS; ++c) {
        vec_store(low + c * LANES, lows[c]);
        vec_store(high + c * LANES, highs[c]);
    }
    float least = low[0], most = high[0];
    for (int l = 1; l < CHAINS * LANES; ++l) {
        least = low[l] < least ? low[l] : least;
        most = high[l] > most ? high[l] : most;
    }
    for (; i < n; ++i) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    *smallest = least;
    *largest = most;
}

static void normalize(const float *x, ptrdiff_t n, float *out)
{
    float least, most;
    extremes(x, n, &least, &most);
    /* Rounding keeps order, so the largest difference is that of the largest sample. */
    const float range = (most - least) + 1e-6f;
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec_store(out + i, ((vec_load(x + i) - least) / range - 0.5f) * 2.0f);
    }
    for (; i < n; ++i) {
        out[i] = ((x[i] - least) / range - 0.5f) * 2.0f;
    }
}
