/* The vector types of LANES lanes, and the handful of operations that C's own operators on vectors
 * (+ - * / & | ^ << >> <) do not give. With one lane they are a float and an int. */

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#if LANES == 1
typedef float vf;
typedef int32_t vi;
typedef uint32_t vu;
typedef vf vf_anywhere;
#else
typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES))); /* where an int might overflow */
typedef float vf_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#endif

/* A broadcast written as a loop over lanes is six times slower (gcc 12); s + 0 would make -0 a 0.
 */
ALWAYS_INLINE vf vec_all(float s)
{
    return s - (vf){0};
}

/* The type that transforms compute in: float, or twice as many bits where EXACT is defined. */
#if !defined(EXACT)
typedef float real;
typedef vf vr;
#define TWIDDLES twiddles
#define ROTATION rotation
#define CORE_MATRIX core_matrix
#define vec_widen(v) (v)
#define vec_narrow(v) (v)
#else
typedef double real;
#define TWIDDLES exact_twiddles
#define ROTATION exact_rotation
#define CORE_MATRIX exact_core_matrix
#if LANES == 1
typedef double vr;
#define vec_widen(v) ((vr)(v))
#define vec_narrow(v) ((vf)(v))
#else
typedef double vr __attribute__((vector_size(8 * LANES)));
#define vec_widen(v) __builtin_convertvector(v, vr)
#define vec_narrow(v) __builtin_convertvector(v, vf)
#endif
#endif
/* To float and back: what a spectrum loses that is kept as pairs of floats. */
#define vec_round(v) vec_widen(vec_narrow(v))

ALWAYS_INLINE vf vec_load(const float *p)
{
    return *(const vf_anywhere *)p;
}

ALWAYS_INLINE void vec_store(float *p, vf v)
{
    *(vf_anywhere *)p = v;
}

ALWAYS_INLINE vi vec_bits(vf v)
{
    vi bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

ALWAYS_INLINE vf vec_from_bits(vi bits)
{
    vf v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* All ones where the comparison holds, else all zeros. */
#if LANES == 1
#define VEC_MASK(condition) (-(condition))
#else
#define VEC_MASK(condition) (condition)
#endif

ALWAYS_INLINE vi vec_select_int(vi mask, vi yes, vi no)
{
    return (mask & yes) | (~mask & no);
}

ALWAYS_INLINE vf vec_select(vi mask, vf yes, vf no)
{
    return vec_from_bits(vec_select_int(mask, vec_bits(yes), vec_bits(no)));
}

/* The larger one; v when either is NaN. */
ALWAYS_INLINE vf vec_raise(vf v, vf floor)
{
    return vec_select(VEC_MASK(v < floor), floor, v);
}

#if defined(BF_X86) && LANES == 4
#define X86(operation) _mm_##operation
typedef __m128i words;
#elif defined(BF_X86) && LANES == 8
#define X86(operation) _mm256_##operation
typedef __m256i words;
#elif defined(BF_X86) && LANES == 16
#define X86(operation) _mm512_##operation
typedef __m512i words;
#endif

/* The smaller or larger one; of two equal or unordered ones, b. */
ALWAYS_INLINE vf vec_min(vf a, vf b)
{
#if defined(X86)
    return X86(min_ps)(a, b);
#else
    return vec_select(VEC_MASK(a < b), a, b);
#endif
}

ALWAYS_INLINE vf vec_max(vf a, vf b)
{
#if defined(X86)
    return X86(max_ps)(a, b);
#else
    return vec_select(VEC_MASK(a > b), a, b);
#endif
}

/* Bit l is set where lane l of a is <= that of b. */
ALWAYS_INLINE uint32_t vec_at_most(vf a, vf b)
{
#if defined(X86) && LANES == 16
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
#elif defined(X86)
    return (uint32_t)X86(movemask_ps)((vf)(a <= b));
#else
    const vi mask = VEC_MASK(a <= b);
    uint32_t bits = 0;
    for (int l = 0; l < LANES; ++l) {
        bits |= (((const uint32_t *)&mask)[l] & 1) << l;
    }
    return bits;
#endif
}

/* Two by two within blocks of four lanes: (a0 b0 a1 b1), (a2 b2 a3 b3), and the same by pairs. */
#if LANES == 4
#define LOW_ONES 0, 4, 1, 5
#define HIGH_ONES 2, 6, 3, 7
#define LOW_PAIRS 0, 1, 4, 5
#define HIGH_PAIRS 2, 3, 6, 7
#elif LANES == 8
#define LOW_ONES 0, 8, 1, 9, 4, 12, 5, 13
#define HIGH_ONES 2, 10, 3, 11, 6, 14, 7, 15
#define LOW_PAIRS 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_PAIRS 2, 3, 10, 11, 6, 7, 14, 15
#elif LANES == 16
#define LOW_ONES 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH_ONES 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW_PAIRS 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_PAIRS 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_BLOCKS 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_BLOCKS 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define EVEN_BLOCKS 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD_BLOCKS 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
#endif

/* LANES vectors of LANES lanes, transposed in place: 4 x 4 within blocks of four lanes, then the
 * blocks. */
ALWAYS_INLINE void vec_transpose(vf v[LANES])
{
#if LANES == 2
    const vf first = __builtin_shufflevector(v[0], v[1], 0, 2);
    v[1] = __builtin_shufflevector(v[0], v[1], 1, 3);
    v[0] = first;
#elif LANES > 2
    UNROLL
    for (int i = 0; i < LANES; i += 4) {
        const vf low01 = __builtin_shufflevector(v[i], v[i + 1], LOW_ONES);
        const vf high01 = __builtin_shufflevector(v[i], v[i + 1], HIGH_ONES);
        const vf low23 = __builtin_shufflevector(v[i + 2], v[i + 3], LOW_ONES);
        const vf high23 = __builtin_shufflevector(v[i + 2], v[i + 3], HIGH_ONES);
        v[i] = __builtin_shufflevector(low01, low23, LOW_PAIRS);
        v[i + 1] = __builtin_shufflevector(low01, low23, HIGH_PAIRS);
        v[i + 2] = __builtin_shufflevector(high01, high23, LOW_PAIRS);
        v[i + 3] = __builtin_shufflevector(high01, high23, HIGH_PAIRS);
    }
#endif
#if LANES == 8
    UNROLL
    for (int i = 0; i < 4; ++i) {
        const vf low = v[i], high = v[i + 4];
        v[i] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 8, 9, 10, 11);
        v[i + 4] = __builtin_shufflevector(low, high, 4, 5, 6, 7, 12, 13, 14, 15);
    }
#elif LANES == 16
    UNROLL
    for (int i = 0; i < 4; ++i) {
        const vf low0 = __builtin_shufflevector(v[i], v[i + 4], LOW_BLOCKS);
        const vf high0 = __builtin_shufflevector(v[i], v[i + 4], HIGH_BLOCKS);
        const vf low8 = __builtin_shufflevector(v[i + 8], v[i + 12], LOW_BLOCKS);
        const vf high8 = __builtin_shufflevector(v[i + 8], v[i + 12], HIGH_BLOCKS);
        v[i] = __builtin_shufflevector(low0, low8, EVEN_BLOCKS);
        v[i + 4] = __builtin_shufflevector(low0, low8, ODD_BLOCKS);
        v[i + 8] = __builtin_shufflevector(high0, high8, EVEN_BLOCKS);
        v[i + 12] = __builtin_shufflevector(high0, high8, ODD_BLOCKS);
    }
#endif
}
