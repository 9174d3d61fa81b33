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
    const vi bits = vec_bits(vec_select(denormal, x * two_23, x));
    /* Counted from the bits of sqrt(1/2), the exponent field steps where the mantissa should. */
    const vi above = bits - 0x3f3504f3;
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

/* log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1]: the polynomial of Cephes' logf. */
ALWAYS_INLINE vf log1p_tail(vf f)
{
    const vf square = f * f;
    vf p = f * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    return p * f * square - square * 0.5f;
}

ALWAYS_INLINE vf vec_log(vf x)
{
    const vec_split s = split(x);
    const vf f = s.mantissa - 1.0f;
    /* log(2) in two parts, of which the larger has few bits: its product is exact. */
    const vf tail = log1p_tail(f) - s.exponent * 2.12194440e-4f;
    const vf inside = (f + tail) + s.exponent * 0.693359375f;
    return extend(x, inside, -__builtin_inff(), __builtin_inff());
}

/* 2 ** (high + low); high may be large if it has few bits behind the point. */
ALWAYS_INLINE vf vec_exp2(vf high, vf low)
{
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    const vf limit = vec_all(252.0f);
    vf whole = vec_raise(high + low, -limit);
    whole = vec_select(VEC_MASK(whole > limit), limit, whole) + to_integer;
    const vi n = vec_bits(whole) - 0x4b400000;
    const vf f = (high - (whole - to_integer)) + low;
    vf p = f * 1.535336188319500e-4f + 1.339887440266574e-3f; /* Cephes' exp2f */
    p = p * f + 9.618437357674640e-3f;
    p = p * f + 5.550332471162809e-2f;
    p = p * f + 2.402264791363012e-1f;
    p = p * f + 6.931472028550421e-1f;
    p = p * f + 1.0f;
    /* In two steps, so that overflow and denormals come out right. */
    const vi half = n >> 1;
    return p * vec_from_bits((half + 127) << 23) * vec_from_bits((n - half + 127) << 23);
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

ALWAYS_INLINE vf vec_pow(vf x, power p)
{
    const float log2_e = 1.44269504f;
    const vec_split s = split(x);
    const vf f = s.mantissa - 1.0f;
    const vf log2_mantissa = (f + log1p_tail(f)) * log2_e;
    const vf inside = vec_exp2(s.exponent * p.high, s.exponent * p.low + log2_mantissa * p.all);
    return extend(x, inside, p.at_zero, p.at_infinity);
}

/* Calls for each vector of x; the last, incomplete one goes through a padded copy. */
#define FOR_EACH_VECTOR(x, n, out, expression)                                                     \
    do {                                                                                           \
        ptrdiff_t i = 0;                                                                           \
        for (; i + LANES <= n; i += LANES) {                                                       \
            const vf v = vec_load(x + i);                                                          \
            vec_store(out + i, expression);                                                        \
        }                                                                                          \
        if (i < n) {                                                                               \
            float last[LANES] = {0};                                                               \
            memcpy(last, x + i, (size_t)(n - i) * sizeof *last);                                   \
            const vf v = vec_load(last);                                                           \
            vec_store(last, expression);                                                           \
            memcpy(out + i, last, (size_t)(n - i) * sizeof *last);                                 \
        }                                                                                          \
    } while (0)

static void log_array(const float *x, ptrdiff_t n, float *out)
{
    FOR_EACH_VECTOR(x, n, out, vec_log(v));
}

static void pow_array(const float *x, ptrdiff_t n, float exponent, float *out)
{
    const power p = power_of(exponent);
    FOR_EACH_VECTOR(x, n, out, vec_pow(v, p));
}

/* Smallest and largest of x: exact, so the order does not matter. */
static void extremes(const float *x, ptrdiff_t n, float *smallest, float *largest)
{
    enum { CHAINS = 4 };
    float low[CHAINS * LANES], high[CHAINS * LANES];
    vf lows[CHAINS], highs[CHAINS];
    UNROLL for (int c = 0; c < CHAINS; ++c)
    {
        lows[c] = vec_all(__builtin_inff());
        highs[c] = -lows[c];
    }
    ptrdiff_t i = 0;
    for (; i + CHAINS * LANES <= n; i += CHAINS * LANES) {
        UNROLL for (int c = 0; c < CHAINS; ++c)
        {
            const vf v = vec_load(x + i + c * LANES);
            lows[c] = vec_select(VEC_MASK(v < lows[c]), v, lows[c]);
            highs[c] = vec_select(VEC_MASK(v > highs[c]), v, highs[c]);
        }
    }
    UNROLL for (int c = 0; c < CHAINS; ++c)
    {
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

static void normalise(const float *x, ptrdiff_t n, float *out)
{
    float least, most;
    extremes(x, n, &least, &most);
    /* Rounding keeps order, so the largest difference is that of the largest sample. */
    const float range = (most - least) + 1e-6f;
    FOR_EACH_VECTOR(x, n, out, ((v - least) / range - 0.5f) * 2.0f);
}
