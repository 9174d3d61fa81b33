/* Filters: |c|^2 / 2 - x.c of all centroids c for a few frames x, nearly. */

/* A tile: some frames against some vectors of centroids, PLACES of them side by side in a block and
 * the others at the same places of the blocks behind it. */
#if LANES == 16
enum { TILE_FRAMES = 8, TILE_VECTORS = 2, PLACES = 1 };
#else
enum { TILE_FRAMES = 4, TILE_VECTORS = 2, PLACES = 2 };
#endif

/* Blocks whose values have a common lowest one at each of their places. */
enum { GROUP = BF_BLOCKS_MULTIPLE * BF_BLOCK };

/* The values of more blocks would push the centroids out of the cache: four candidates in the place
 * of one cost less. */
enum { MOST_KEPT = 256 };

typedef struct {
    int keep;                  /* the values, not the lowest alone */
    float *values;             /* [TILE_FRAMES][n_blocks * BF_BLOCK], if they are kept */
    float *frame;              /* [n_values] and zeros up to a multiple of two vectors */
    float *x;                  /* [n_values][TILE_FRAMES], or words of rounded ones */
    float *lower;              /* [n_groups], up to a multiple of BF_BLOCK */
    float *low;                /* [TILE_FRAMES][n_blocks / 4 * BF_BLOCK] the lowest of a group */
    float *least;              /* [TILE_FRAMES][BF_BLOCK] the lowest of all groups */
    float energy[TILE_FRAMES]; /* |x|^2 of what was filtered */
    float step[TILE_FRAMES];
    float lost[TILE_FRAMES]; /* |x - what int8 makes of it| */
} search_space;

/* sum - a b, with one rounding or two: filters allow for both. */
ALWAYS_INLINE vf vec_minus_product(vf sum, vf a, vf b)
{
#if defined(X86) && LANES == 16
    return X86(fnmadd_ps)(a, b, sum);
#else
    return sum - a * b;
#endif
}

/* Where the centroids at a place of all begin in blocks of `rows`. */
ALWAYS_INLINE ptrdiff_t in_blocks(ptrdiff_t at, int32_t rows)
{
    return at / BF_BLOCK * BF_BLOCK * rows + at % BF_BLOCK;
}

typedef enum { OF_FLOAT, OF_INT16, OF_FUSED_INT16, OF_INT8 } filter_kind;

/* The filter that a codebook gets on this CPU for the n nearest: what is taken of frames, how they
 * are filtered and how wrong that may be hang on this alone. */
static filter_kind kind_for(const bf_codebook *book, int32_t n)
{
#if defined(X86)
    /* More than one have too many beside them that int8 cannot tell apart. */
    if (LANES == 16 && book->fused && book->search == BF_SEARCH_INT8 && n == 1) {
        return OF_INT8;
    }
    if (book->search != BF_SEARCH_FLOAT) {
        return book->fused ? OF_FUSED_INT16 : OF_INT16;
    }
#endif
    (void)book;
    (void)n;
    return OF_FLOAT;
}

ALWAYS_INLINE void float_values(const bf_codebook *book, const search_space *s,
                                const ptrdiff_t at[TILE_VECTORS],
                                vf values[TILE_FRAMES][TILE_VECTORS])
{
    const int32_t n = book->n_values;
    const float *c[TILE_VECTORS];
    UNROLL
    for (int k = 0; k < TILE_VECTORS; ++k) {
        c[k] = book->blocks + in_blocks(at[k], n);
        UNROLL
        for (int f = 0; f < TILE_FRAMES; ++f) {
            values[f][k] = vec_load(book->half_norms + at[k]);
        }
    }
    const float *frames = s->x;
    for (ptrdiff_t j = 0; j < n; ++j, frames += TILE_FRAMES) {
        UNROLL /* the next tile's centroids, which a large codebook has in the last cache */
        for (int k = 0; k < TILE_VECTORS; ++k) {
            __builtin_prefetch(c[k] + (j + TILE_VECTORS / PLACES * n) * BF_BLOCK);
        }
        UNROLL
        for (int f = 0; f < TILE_FRAMES; ++f) {
            const vf x = vec_all(frames[f]);
            UNROLL
            for (int k = 0; k < TILE_VECTORS; ++k) {
                values[f][k] = vec_minus_product(values[f][k], x, vec_load(c[k] + j * BF_BLOCK));
            }
        }
    }
}

/* The sum of n squares, rounded. */
static float energy_of(const float *x, int32_t n)
{
    float sum = 0.0f;
    vf squares = vec_all(0.0f);
    int32_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        const vf v = vec_load(x + j);
        squares += v * v;
    }
    for (; j < n; ++j) {
        sum += x[j] * x[j];
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) {
            ((float *)&squares)[l] += ((float *)&squares)[l + half];
        }
    }
    return sum + ((float *)&squares)[0];
}

static void take_float(const bf_codebook *book, const float *x, int f, search_space *s)
{
    for (int32_t j = 0; j < book->n_values; ++j) {
        s->x[j * TILE_FRAMES + f] = x[j];
    }
    s->energy[f] = energy_of(x, book->n_values);
}

#if defined(X86)
/* sum + the two products of int16 in every lane. One instruction where the CPU has VNNI: written
 * out, because gcc 12 copies every sum to and fro around the intrinsic. */
ALWAYS_INLINE vi vec_add_products(vi sum, vi a, vi b, int fused)
{
#if LANES == 16
    if (fused) {
        __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
        return sum;
    }
#endif
    (void)fused;
    return sum + (vi)X86(madd_epi16)((words)a, (words)b);
}

/* sum + the four products of uint8 and int8 in every lane: with VNNI alone. */
ALWAYS_INLINE vi vec_add_byte_products(vi sum, vi a, vi b)
{
#if LANES == 16
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
#else
    (void)a;
    (void)b;
    __builtin_unreachable();
    return sum;
#endif
}

ALWAYS_INLINE void rounded_values(const bf_codebook *book, const search_space *s,
                                  const ptrdiff_t at[TILE_VECTORS],
                                  vf values[TILE_FRAMES][TILE_VECTORS], const filter_kind kind)
{
    const int int8 = kind == OF_INT8;
    const int32_t n = int8 ? (book->n_values + 3) / 4 : (book->n_values + 1) / 2;
    const float *words = int8 ? (const float *)book->quads : (const float *)book->pairs;
    const float *c[TILE_VECTORS];
    vi sum[TILE_FRAMES][TILE_VECTORS];
    UNROLL
    for (int k = 0; k < TILE_VECTORS; ++k) {
        c[k] = words + in_blocks(at[k], n);
        const vi start =
            int8 ? vec_bits(vec_load((const float *)book->int8_offsets + at[k])) : (vi){0};
        UNROLL
        for (int f = 0; f < TILE_FRAMES; ++f) {
            sum[f][k] = start;
        }
    }
    const int32_t *frames = (const int32_t *)s->x;
    for (ptrdiff_t j = 0; j < n; ++j, frames += TILE_FRAMES) {
        UNROLL
        for (int f = 0; f < TILE_FRAMES; ++f) {
            const vi word = frames[f] - (vi){0};
            UNROLL
            for (int k = 0; k < TILE_VECTORS; ++k) {
                const vi centroids = vec_bits(vec_load(c[k] + j * BF_BLOCK));
                sum[f][k] =
                    int8 ? vec_add_byte_products(sum[f][k], word, centroids)
                         : vec_add_products(sum[f][k], word, centroids, kind == OF_FUSED_INT16);
            }
        }
    }
    const float *all_steps = int8 ? book->int8_steps : book->steps;
    UNROLL
    for (int k = 0; k < TILE_VECTORS; ++k) {
        const vf half_norms = vec_load(book->centred_half_norms + at[k]);
        const vf steps = vec_load(all_steps + at[k]);
        UNROLL
        for (int f = 0; f < TILE_FRAMES; ++f) {
            const vf product = __builtin_convertvector(sum[f][k], vf) * (steps * s->step[f]);
            values[f][k] = half_norms - product;
        }
    }
}

/* Rounded to the nearest integer; |v| is below 2^22. */
ALWAYS_INLINE vi vec_nearest_int(vf v)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: its last bit counts ones */
    return vec_bits(v + magic) - vec_bits(vec_all(magic));
}

/* x - centre in whole steps of its length / BF_INT16_STEPS: values j and j + half in one word. */
static void take_int16(const bf_codebook *book, const float *x, int f, search_space *s)
{
    const int32_t n = book->n_values, half = (n + 1) / 2;
    int32_t *pairs = (int32_t *)s->x + f;
    for (int32_t j = 0; j < n; ++j) {
        s->frame[j] = x[j] - book->centre[j];
    }
    s->frame[n] = 0.0f; /* the other half of the last pair, where n is odd */
    const float energy = energy_of(s->frame, n);
    const float step = sqrtf(energy) / BF_INT16_STEPS + 1e-20f;
    const float scale = 1.0f / step;
    for (int32_t j = 0; j < half; j += LANES) {
        const vi low = vec_nearest_int(vec_load(s->frame + j) * scale);
        const vi high = vec_nearest_int(vec_load(s->frame + half + j) * scale);
        const vi pair = (low & 0xffff) | (high << 16);
        for (int32_t l = 0; l < LANES && j + l < half; ++l) {
            pairs[(j + l) * TILE_FRAMES] = ((const int32_t *)&pair)[l];
        }
    }
    s->energy[f] = energy;
    s->step[f] = step;
}

/* x - centre in whole steps of its largest value / BF_INT8_STEPS, and 128: four in one word. */
static void take_int8(const bf_codebook *book, const float *x, int f, search_space *s)
{
    const int32_t n = book->n_values, quarter = (n + 3) / 4;
    int32_t *words = (int32_t *)s->x + f;
    float largest = 0.0f;
    for (int32_t j = 0; j < n; ++j) {
        s->frame[j] = x[j] - book->centre[j];
        largest = fabsf(s->frame[j]) > largest ? fabsf(s->frame[j]) : largest;
    }
    memset(s->frame + n, 0, 2 * LANES * sizeof(float));
    const float step = largest / BF_INT8_STEPS + 1e-20f;
    const float scale = 1.0f / step;
    for (int32_t j = 0; j < quarter; j += LANES) {
        vi four = {0};
        for (int32_t part = 0; part < 4; ++part) {
            const vf values = vec_load(s->frame + part * quarter + j);
            four |= ((vec_nearest_int(values * scale) + 128) & 0xff) << (8 * part);
        }
        for (int32_t l = 0; l < LANES && j + l < quarter; ++l) {
            words[(j + l) * TILE_FRAMES] = ((const int32_t *)&four)[l];
        }
    }
    s->energy[f] = energy_of(s->frame, n);
    for (int32_t j = 0; j < n; j += LANES) {
        const vf values = vec_load(s->frame + j);
        const vi rounded = vec_nearest_int(values * scale);
        vec_store(s->frame + j, values - __builtin_convertvector(rounded, vf) * step);
    }
    s->lost[f] = sqrtf(energy_of(s->frame, n));
    s->step[f] = step;
}
#endif

/* The values of all centroids for a tile's frames: the lowest of each group's places, and with
 * `keep` all of them. */
ALWAYS_INLINE void filter(const bf_codebook *book, search_space *s, const filter_kind kind,
                          const int keep)
{
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    for (int i = 0; i < TILE_FRAMES * BF_BLOCK; ++i) {
        s->least[i] = INFINITY;
    }
    for (ptrdiff_t group = 0; group < n_padded; group += GROUP) {
        for (int place = 0; place < BF_BLOCK; place += PLACES * LANES) {
            vf low[TILE_FRAMES][PLACES];
            UNROLL
            for (int i = 0; i < TILE_FRAMES * PLACES; ++i) {
                low[i / PLACES][i % PLACES] = vec_all(INFINITY);
            }
            for (int block = 0; block < GROUP; block += TILE_VECTORS / PLACES * BF_BLOCK) {
                ptrdiff_t at[TILE_VECTORS];
                vf values[TILE_FRAMES][TILE_VECTORS];
                UNROLL
                for (int k = 0; k < TILE_VECTORS; ++k) {
                    at[k] = group + block + k / PLACES * BF_BLOCK + place + k % PLACES * LANES;
                }
#if defined(X86)
                if (kind != OF_FLOAT) {
                    rounded_values(book, s, at, values, kind);
                } else
#endif
                {
                    float_values(book, s, at, values);
                }
                UNROLL
                for (int i = 0; i < TILE_FRAMES * TILE_VECTORS; ++i) {
                    const int f = i / TILE_VECTORS, k = i % TILE_VECTORS;
                    low[f][k % PLACES] = vec_min(values[f][k], low[f][k % PLACES]);
                    if (keep) {
                        vec_store(s->values + f * n_padded + at[k], values[f][k]);
                    }
                }
            }
            UNROLL
            for (int i = 0; i < TILE_FRAMES * PLACES; ++i) {
                const int f = i / PLACES, p = i % PLACES;
                float *lows = s->low + (f * n_padded + group) / BF_BLOCKS_MULTIPLE;
                float *least = s->least + f * BF_BLOCK + place + p * LANES;
                vec_store(lows + place + p * LANES, low[f][p]);
                vec_store(least, vec_min(low[f][p], vec_load(least)));
            }
        }
    }
}

/* A frame as the filter wants it. */
static void take(const bf_codebook *book, const float *x, int f, search_space *s,
                 const filter_kind kind)
{
#if defined(X86)
    if (kind == OF_INT8) {
        take_int8(book, x, f, s);
        return;
    }
    if (kind != OF_FLOAT) {
        take_int16(book, x, f, s);
        return;
    }
#endif
    (void)kind;
    take_float(book, x, f, s);
}

static void filter_float(const bf_codebook *book, search_space *s)
{
    if (s->keep) {
        filter(book, s, OF_FLOAT, 1);
    } else {
        filter(book, s, OF_FLOAT, 0);
    }
}

static void filter_int16(const bf_codebook *book, search_space *s)
{
    filter(book, s, OF_INT16, 1);
}

static void filter_fused_int16(const bf_codebook *book, search_space *s)
{
    filter(book, s, OF_FUSED_INT16, 1);
}

static void filter_int8(const bf_codebook *book, search_space *s)
{
    filter(book, s, OF_INT8, 1);
}

static void filter_all(const bf_codebook *book, search_space *s, const filter_kind kind)
{
    switch (kind) {
    case OF_FLOAT:
        filter_float(book, s);
        break;
    case OF_INT16:
        filter_int16(book, s);
        break;
    case OF_FUSED_INT16:
        filter_fused_int16(book, s);
        break;
    case OF_INT8:
        filter_int8(book, s);
        break;
    }
}
