/* Nearest centroids. The distance is sum_j (x[j] - c[j])^2, j upwards, every operation rounded to
 * float: that is what `scan_all` computes, and what every other route must find the smallest of.
 *
 * The routes rule out centroids by something cheaper and leave the rest to the distance itself: so
 * the tokens are the same on every CPU, and equal distances are decided by the lowest id. */

/* ---- vectors ---- */

#if defined(__x86_64__) && LANES == 4
#define X86(operation) _mm_##operation
typedef __m128i words;
#elif defined(__x86_64__) && LANES == 8
#define X86(operation) _mm256_##operation
typedef __m256i words;
#elif defined(__x86_64__) && LANES == 16
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

enum { BLOCK_VECTORS = BF_BLOCK / LANES };

/* ---- the n nearest so far ---- */

typedef struct {
    int32_t n;
    float distances[BF_MAX_NEAREST]; /* rising; +inf where none is yet */
    int32_t ids[BF_MAX_NEAREST];     /* of equal distances the lowest first; -1 where none is yet */
} ranking;

static void clear(ranking *best, int32_t n)
{
    best->n = n;
    for (int32_t i = 0; i < n; ++i) {
        best->distances[i] = INFINITY;
        best->ids[i] = -1;
    }
}

ALWAYS_INLINE float worst(const ranking *best)
{
    return best->distances[best->n - 1];
}

/* Ids compare as unsigned: none (-1) comes after all others. */
ALWAYS_INLINE int comes_before(float distance, int32_t id, const ranking *best, int32_t i)
{
    return distance < best->distances[i] ||
           (distance == best->distances[i] && (uint32_t)id < (uint32_t)best->ids[i]);
}

static void insert(ranking *best, float distance, int32_t id)
{
    int32_t i = best->n - 1;
    if (id < 0 || !comes_before(distance, id, best, i)) {
        return;
    }
    for (; i > 0 && comes_before(distance, id, best, i - 1); --i) {
        best->distances[i] = best->distances[i - 1];
        best->ids[i] = best->ids[i - 1];
    }
    best->distances[i] = distance;
    best->ids[i] = id;
}

/* ---- the distance ---- */

static void rank_block(const bf_codebook *book, int32_t block, const float *x, ranking *best)
{
    const float *c = book->blocks + (ptrdiff_t)block * book->n_values * BF_BLOCK;
    const int32_t *ids = book->ids + (ptrdiff_t)block * BF_BLOCK;
    vf sum[BLOCK_VECTORS];
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        sum[w] = vec_all(0.0f);
    }
    for (int32_t j = 0; j < book->n_values; ++j, c += BF_BLOCK) {
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            const vf difference = x[j] - vec_load(c + w * LANES);
            sum[w] += difference * difference;
        }
    }
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        uint32_t bits = vec_at_most(sum[w], vec_all(worst(best)));
        for (; bits != 0; bits &= bits - 1) {
            const int l = __builtin_ctz(bits);
            insert(best, ((const float *)&sum[w])[l], ids[w * LANES + l]);
        }
    }
}

static void scan_all(const bf_codebook *book, const float *x, ranking *best)
{
    for (int32_t block = 0; block < book->n_blocks; ++block) {
        rank_block(book, block, x, best);
    }
}

#if LANES > 1

/* ---- tree: boxes around groups of blocks, and around blocks ---- */

/* lower[l] = the distance of x from box l of 16, at most. Every operation here is a rounded one of
 * smaller numbers than in rank_block, in the same order, and rounding keeps order: so the bound
 * holds for the rounded distances too, to the bit. */
static void box_distances(const float *box, int32_t n, const float *x, float lower[BF_BLOCK])
{
    vf sum[BLOCK_VECTORS];
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        sum[w] = vec_all(0.0f);
    }
    for (int32_t j = 0; j < n; ++j, box += 2 * BF_BLOCK) {
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            const vf below = vec_load(box + w * LANES) - x[j];
            const vf above = x[j] - vec_load(box + BF_BLOCK + w * LANES);
            const vf outside = vec_max(vec_max(below, above), vec_all(0.0f));
            sum[w] += outside * outside;
        }
    }
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        vec_store(lower + w * LANES, sum[w]);
    }
}

static ptrdiff_t lowest(const float *v, ptrdiff_t n)
{
    ptrdiff_t at = 0;
    for (ptrdiff_t i = 1; i < n; ++i) {
        at = v[i] < v[at] ? i : at;
    }
    return at;
}

static void rank_group(const bf_codebook *book, ptrdiff_t group, const float *x, ranking *best)
{
    const int32_t n = book->n_values;
    const ptrdiff_t first = group * BF_BLOCK;
    const ptrdiff_t left = book->n_blocks - first;
    const ptrdiff_t n_blocks = left < BF_BLOCK ? left : BF_BLOCK;
    float lower[BF_BLOCK];
    box_distances(book->block_boxes + first * 2 * n, n, x, lower);
    const ptrdiff_t start = lowest(lower, n_blocks);
    rank_block(book, (int32_t)(first + start), x, best);
    for (ptrdiff_t b = 0; b < n_blocks; ++b) {
        if (b != start && lower[b] <= worst(best)) {
            rank_block(book, (int32_t)(first + b), x, best);
        }
    }
}

static void search_tree(const bf_codebook *book, const float *x, float *lower, ranking *best)
{
    const int32_t n = book->n_values;
    for (ptrdiff_t g = 0; g < book->n_groups; g += BF_BLOCK) {
        box_distances(book->group_boxes + g * 2 * n, n, x, lower + g);
    }
    const ptrdiff_t start = lowest(lower, book->n_groups);
    rank_group(book, start, x, best);
    for (ptrdiff_t g = 0; g < book->n_groups; ++g) {
        if (g != start && lower[g] <= worst(best)) {
            rank_group(book, g, x, best);
        }
    }
}

/* ---- filters: all |c|^2 / 2 - x.c of a few frames, nearly, and who may be the nearest ---- */

#if LANES == 16
enum { TILE_FRAMES = 8, TILE_VECTORS = 2 };
#else
enum { TILE_FRAMES = 4, TILE_VECTORS = 2 };
#endif

enum { MAX_CANDIDATES = 32 };

/* Beyond this |x|^2 the filters could overflow. */
static const float most_energy = 1e36f;

typedef struct {
    float *values;             /* [TILE_FRAMES][n_blocks * BF_BLOCK] */
    float *frame;              /* [n_values] and zeros up to a multiple of two vectors */
    float *x;                  /* [n_values][TILE_FRAMES], or pairs of int16 likewise */
    float *lower;              /* [n_groups], up to a multiple of BF_BLOCK */
    float *low;                /* [n_blocks / 4 * BF_BLOCK] the lowest of four blocks' values */
    float energy[TILE_FRAMES]; /* |x|^2 of what was filtered */
    float step[TILE_FRAMES];
    float lost[TILE_FRAMES]; /* |x - what int8 makes of it| */
} search_space;

ALWAYS_INLINE ptrdiff_t vector_at(ptrdiff_t vector, int32_t rows)
{
    const ptrdiff_t first = vector * LANES;
    return first / BF_BLOCK * BF_BLOCK * rows + first % BF_BLOCK;
}

/* sum - a b, with one rounding or two: filters allow for both. */
ALWAYS_INLINE vf vec_minus_product(vf sum, vf a, vf b)
{
#if defined(X86) && LANES == 16
    return X86(fnmadd_ps)(a, b, sum);
#else
    return sum - a * b;
#endif
}

static void filter_float(const bf_codebook *book, search_space *s)
{
    const int32_t n = book->n_values;
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    for (ptrdiff_t v = 0; v * LANES < n_padded; v += TILE_VECTORS) {
        const float *c[TILE_VECTORS];
        vf sum[TILE_VECTORS][TILE_FRAMES];
        UNROLL
        for (int k = 0; k < TILE_VECTORS; ++k) {
            c[k] = book->blocks + vector_at(v + k, n);
            UNROLL
            for (int f = 0; f < TILE_FRAMES; ++f) {
                sum[k][f] = vec_load(book->half_norms + (v + k) * LANES);
            }
        }
        const float *frames = s->x;
        for (ptrdiff_t j = 0; j < n; ++j, frames += TILE_FRAMES) {
            UNROLL
            for (int f = 0; f < TILE_FRAMES; ++f) {
                const vf x = vec_all(frames[f]);
                UNROLL
                for (int k = 0; k < TILE_VECTORS; ++k) {
                    sum[k][f] = vec_minus_product(sum[k][f], x, vec_load(c[k] + j * BF_BLOCK));
                }
            }
        }
        UNROLL
        for (int f = 0; f < TILE_FRAMES; ++f) {
            UNROLL
            for (int k = 0; k < TILE_VECTORS; ++k) {
                vec_store(s->values + f * n_padded + (v + k) * LANES, sum[k][f]);
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

ALWAYS_INLINE void filter_rounded(const bf_codebook *book, search_space *s, const int int8,
                                  const int fused)
{
    const int32_t n = int8 ? (book->n_values + 3) / 4 : (book->n_values + 1) / 2;
    const float *words = int8 ? (const float *)book->quads : (const float *)book->pairs;
    const float *all_steps = int8 ? book->int8_steps : book->steps;
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    for (ptrdiff_t v = 0; v * LANES < n_padded; v += TILE_VECTORS) {
        const float *c[TILE_VECTORS];
        vi sum[TILE_VECTORS][TILE_FRAMES];
        UNROLL
        for (int k = 0; k < TILE_VECTORS; ++k) {
            c[k] = words + vector_at(v + k, n);
            const vi start =
                int8 ? vec_bits(vec_load((const float *)book->int8_offsets + (v + k) * LANES))
                     : (vi){0};
            UNROLL
            for (int f = 0; f < TILE_FRAMES; ++f) {
                sum[k][f] = start;
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
                    sum[k][f] = int8 ? vec_add_byte_products(sum[k][f], word, centroids)
                                     : vec_add_products(sum[k][f], word, centroids, fused);
                }
            }
        }
        UNROLL
        for (int k = 0; k < TILE_VECTORS; ++k) {
            const vf half_norms = vec_load(book->centred_half_norms + (v + k) * LANES);
            const vf steps = vec_load(all_steps + (v + k) * LANES);
            UNROLL
            for (int f = 0; f < TILE_FRAMES; ++f) {
                const vf product = __builtin_convertvector(sum[k][f], vf) * (steps * s->step[f]);
                vec_store(s->values + f * n_padded + (v + k) * LANES, half_norms - product);
            }
        }
    }
}

static void filter_int16_plain(const bf_codebook *book, search_space *s)
{
    filter_rounded(book, s, 0, 0);
}

static void filter_int16_fused(const bf_codebook *book, search_space *s)
{
    filter_rounded(book, s, 0, 1);
}

static void filter_int8(const bf_codebook *book, search_space *s)
{
    filter_rounded(book, s, 1, 1);
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

/* ---- who may be the nearest ---- */

static float nth_of_sixteen(const float *v, int32_t n)
{
    float sorted[BF_BLOCK];
    for (int32_t i = 0; i < BF_BLOCK; ++i) {
        int32_t rank = 0;
        for (int32_t k = 0; k < BF_BLOCK; ++k) {
            rank += (v[k] < v[i]) | ((v[k] == v[i]) & (k < i));
        }
        sorted[rank] = v[i];
    }
    return sorted[n - 1];
}

/* Every place of four blocks at its lowest; returns the n-th of 16 values that are not the same
 * centroid's, so that n centroids are not above it. */
static float nth_lowest(const float *values, ptrdiff_t n_blocks, float *low, int32_t n)
{
    vf lowest[BLOCK_VECTORS];
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        lowest[w] = vec_all(INFINITY);
    }
    for (ptrdiff_t b = 0; b < n_blocks; b += BF_BLOCKS_MULTIPLE, low += BF_BLOCK) {
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            const float *v = values + b * BF_BLOCK + w * LANES;
            const vf two = vec_min(vec_load(v), vec_load(v + BF_BLOCK));
            const vf others = vec_min(vec_load(v + 2 * BF_BLOCK), vec_load(v + 3 * BF_BLOCK));
            const vf four = vec_min(two, others);
            vec_store(low + w * LANES, four);
            lowest[w] = vec_min(four, lowest[w]);
        }
    }
    if (n > 1) {
        return nth_of_sixteen((const float *)lowest, n);
    }
    float first = INFINITY;
    for (int32_t i = 0; i < BF_BLOCK; ++i) {
        const float v = ((const float *)lowest)[i];
        first = v < first ? v : first;
    }
    return first;
}

/* What no centroid among the n nearest can exceed, where `value` is the n-th lowest found.
 *
 * A value is wrong by E = error (|c|^2 / 2 + |x||c|) at most, where the error is what the table
 * says, and |c| <= |x| + sqrt(D) for a centroid at a squared distance D = |x|^2 + 2 value. So E is
 * at most error (2.5 |x|^2 + 1.5 D), which gives a D that holds; with it, a closer E. The distance
 * itself is rounded too, by less than the error times D. (Lengths are raised by 1e-4 for their own
 * rounding, and by what may be lost by underflow.) */
static float limit_of(const bf_codebook *book, double error, double longest, double energy,
                      double value)
{
    const double length = sqrt(energy) * 1.0001 + 1e-17;
    const double squared = length * length;
    const double far = (squared * (1 + 5 * error) + 2 * value) / (1 - 3 * error);
    const double reach = 1.0001 * (length + sqrt(far > 0 ? far : 0));
    const double norm = reach < longest ? reach : longest;
    const double slack = 2 * error * (norm * norm / 2 + length * norm) +
                         book->float_error * (far > 0 ? far : 0) + 1e-17 * (norm + length) + 1e-28;
    return (float)(value + slack + 1e-7 * fabs(value));
}

/* The same for int8. A value is wrong by |x - its int8| |c| + |its int8| |c - its int8| at most
 * (Cauchy and Schwarz), and by a few roundings of the sums that it is made of. */
static float int8_limit_of(const bf_codebook *book, double lost, double energy, double value)
{
    const double length = sqrt(energy) * 1.0001 + 1e-17, longest = book->longest_centred;
    const double gone = lost * 1.0001 + 1e-6 * length + 1e-17;
    const double error = gone * longest + (length + gone) * book->int8_error +
                         1e-6 * (longest * longest / 2 + length * longest) + 1e-28;
    const double far = length * length + 2 * (value + error);
    return (float)(value + 2 * error + book->float_error * (far > 0 ? far : 0) +
                   1e-7 * fabs(value));
}

typedef struct {
    int32_t n;
    int32_t ids[MAX_CANDIDATES];
} candidates;

/* Add the centroids of a block whose values are low enough. */
static void find_in_block(const bf_codebook *book, const float *values, int32_t block, vf most,
                          candidates *found)
{
    const ptrdiff_t first = (ptrdiff_t)block * BF_BLOCK;
    UNROLL
    for (int w = 0; w < BLOCK_VECTORS; ++w) {
        uint32_t bits = vec_at_most(vec_load(values + first + w * LANES), most);
        for (; bits != 0 && found->n < MAX_CANDIDATES; bits &= bits - 1) {
            const int32_t id = book->ids[first + w * LANES + __builtin_ctz(bits)];
            found->ids[found->n] = id;
            found->n += id >= 0;
        }
    }
}

/* All candidates, or MAX_CANDIDATES of more. */
static void find_at_most(const bf_codebook *book, const float *values, const float *low,
                         float limit, candidates *found)
{
    const vf most = vec_all(limit);
    found->n = 0;
    for (int32_t block = 0; block < book->n_blocks; block += BF_BLOCKS_MULTIPLE, low += BF_BLOCK) {
        uint32_t bits = 0;
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            bits |= vec_at_most(vec_load(low + w * LANES), most);
        }
        for (int32_t b = 0; bits != 0 && b < BF_BLOCKS_MULTIPLE; ++b) {
            find_in_block(book, values, block + b, most, found);
        }
    }
}

enum { SIDE_BY_SIDE = 8 };

/* Rank centroids from their rows: eight sums side by side, as one alone would wait for itself. */
static void rank_candidates(const bf_codebook *book, const candidates *found, const float *x,
                            ranking *best)
{
    const ptrdiff_t n = book->n_values;
    float squares[SIDE_BY_SIDE][BF_MAX_VALUES];
    for (int32_t i = 0; i < found->n; i += SIDE_BY_SIDE) {
        const int32_t count = found->n - i < SIDE_BY_SIDE ? found->n - i : SIDE_BY_SIDE;
        float sum[SIDE_BY_SIDE] = {0};
        for (int32_t k = 0; k < count; ++k) {
            const float *row = book->rows + n * found->ids[i + k];
            for (ptrdiff_t j = 0; j < n; ++j) {
                const float difference = x[j] - row[j];
                squares[k][j] = difference * difference;
            }
        }
        for (ptrdiff_t j = 0; j < n; ++j) {
            UNROLL
            for (int32_t k = 0; k < SIDE_BY_SIDE; ++k) {
                sum[k] += squares[k][j];
            }
        }
        for (int32_t k = 0; k < count; ++k) {
            insert(best, sum[k], found->ids[i + k]);
        }
    }
}

/* Rank those whose values are low enough; the only one has no need of its distance, unless asked.
 */
static void settle(const bf_codebook *book, const float *values, const float *low, float limit,
                   const float *x, int with_distance, ranking *best)
{
    candidates found;
    find_at_most(book, values, low, limit, &found);
    if (found.n == 0 || found.n == MAX_CANDIDATES) {
        scan_all(book, x, best);
    } else if (found.n == 1 && !with_distance) {
        best->ids[0] = found.ids[0];
    } else {
        rank_candidates(book, &found, x, best);
    }
}

/* ---- a tile of frames ---- */

static void search_tile(const bf_codebook *book, const float *const x[TILE_FRAMES],
                        int32_t n_frames, int with_distances, search_space *s,
                        ranking best[TILE_FRAMES])
{
    /* More than one have too many beside them that int8 cannot tell apart. */
    const int int8 = LANES == 16 && book->fused && book->search == BF_SEARCH_INT8 && best[0].n == 1;
    const int int16 = !int8 && book->search != BF_SEARCH_FLOAT;
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    for (int f = 0; f < TILE_FRAMES; ++f) {
#if defined(X86)
        if (int8 || int16) {
            (int8 ? take_int8 : take_int16)(book, x[f], f, s);
            continue;
        }
#endif
        take_float(book, x[f], f, s);
    }
#if defined(X86)
    if (int8) {
        filter_int8(book, s);
    } else if (int16) {
        (book->fused ? filter_int16_fused : filter_int16_plain)(book, s);
    } else
#endif
    {
        filter_float(book, s);
    }
    for (int32_t f = 0; f < n_frames; ++f) {
        const float *values = s->values + f * n_padded;
        const double error = int16 ? book->int16_error : book->float_error;
        const double longest = int16 ? book->longest_centred : book->longest;
        const float value = nth_lowest(values, book->n_blocks, s->low, best[f].n);
        const float limit = int8 ? int8_limit_of(book, s->lost[f], s->energy[f], value)
                                 : limit_of(book, error, longest, s->energy[f], value);
        if (s->energy[f] <= most_energy) {
            settle(book, values, s->low, limit, x[f], with_distances, &best[f]);
        } else {
            scan_all(book, x[f], &best[f]);
        }
    }
}

static size_t lay_out_search(const bf_codebook *book, void *scratch, search_space *s)
{
    const ptrdiff_t n = book->n_values;
    float *next = scratch;
    s->values = next;
    next += TILE_FRAMES * book->n_blocks * BF_BLOCK;
    s->low = next;
    next += book->n_blocks / BF_BLOCKS_MULTIPLE * BF_BLOCK;
    s->lower = next;
    next += (book->n_groups + BF_BLOCK - 1) / BF_BLOCK * BF_BLOCK;
    s->x = next;
    next += (n + 1) * TILE_FRAMES;
    s->frame = next;
    next += n + 2 * LANES;
    return (size_t)((char *)next - (char *)scratch);
}

/* The next frames from here on, by the codebook's route; returns how many it were. */
static int32_t search_some(const bf_codebook *book, const float *x, ptrdiff_t n_frames,
                           int with_distances, search_space *s, ranking best[TILE_FRAMES])
{
    const int in_tiles = book->search != BF_SEARCH_ALL && book->search != BF_SEARCH_TREE;
    if (in_tiles && n_frames >= TILE_FRAMES / 2) {
        const float *frames[TILE_FRAMES];
        const int32_t n = n_frames < TILE_FRAMES ? (int32_t)n_frames : TILE_FRAMES;
        for (int32_t f = 0; f < TILE_FRAMES; ++f) {
            frames[f] = x + (f < n ? f : n - 1) * book->n_values;
        }
        search_tile(book, frames, n, with_distances, s, best);
        return n;
    }
    if (book->search == BF_SEARCH_TREE) {
        search_tree(book, x, s->lower, best);
    } else {
        scan_all(book, x, best);
    }
    return 1;
}
#else
/* The plain kernels are what the others are held to: here every distance is computed. */
enum { TILE_FRAMES = 1 };
typedef struct {
    float *none;
} search_space;

static size_t lay_out_search(const bf_codebook *book, void *scratch, search_space *s)
{
    (void)book;
    s->none = scratch;
    return 0;
}

static int32_t search_some(const bf_codebook *book, const float *x, ptrdiff_t n_frames,
                           int with_distances, search_space *s, ranking best[TILE_FRAMES])
{
    (void)n_frames;
    (void)with_distances;
    (void)s;
    scan_all(book, x, best);
    return 1;
}
#endif

/* ---- all of it ---- */

static size_t nearest_scratch(const bf_codebook *book)
{
    search_space s;
    return lay_out_search(book, NULL, &s);
}

/* By the bits of the exponents, which compilers do for many values at a time. */
static int is_finite(const float *x, int32_t n)
{
    int32_t found = 0;
    for (int32_t j = 0; j < n; ++j) {
        int32_t bits;
        memcpy(&bits, x + j, sizeof bits);
        found |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !found;
}

static void nearest(const bf_codebook *book, const float *frames, ptrdiff_t n_frames, int32_t n,
                    int32_t *ids, float *distances, void *scratch)
{
    search_space s;
    ranking best[TILE_FRAMES];
    lay_out_search(book, scratch, &s);
    for (ptrdiff_t first = 0; first < n_frames;) {
        const float *x = frames + first * book->n_values;
        for (int f = 0; f < TILE_FRAMES; ++f) {
            clear(&best[f], n);
        }
        const int32_t found =
            search_some(book, x, n_frames - first, n > 1 || distances != NULL, &s, best);
        for (int32_t f = 0; f < found; ++f, ++first) {
            if (!is_finite(x + f * book->n_values, book->n_values)) {
                clear(&best[f], n);
            }
            memcpy(ids + first * n, best[f].ids, (size_t)n * sizeof *ids);
            if (distances != NULL) {
                memcpy(distances + first * n, best[f].distances, (size_t)n * sizeof *distances);
            }
        }
    }
}
