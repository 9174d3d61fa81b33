/* Candidates: who may be the nearest, by how wrong a filter's values may be. */

enum { MAX_CANDIDATES = 32 };

/* Beyond this |x|^2 the filters could overflow. */
static const float most_energy = 1e36f;

/* The n-th lowest of the least values at the places of a block: n centroids are not above it. */
static float nth_lowest(const float least[BF_BLOCK], int32_t n)
{
    float sorted[BF_BLOCK];
    if (n == 1) {
        float first = least[0];
        for (int32_t i = 1; i < BF_BLOCK; ++i) {
            first = least[i] < first ? least[i] : first;
        }
        return first;
    }
    for (int32_t i = 0; i < BF_BLOCK; ++i) {
        int32_t rank = 0;
        for (int32_t k = 0; k < BF_BLOCK; ++k) {
            rank += (least[k] < least[i]) | ((least[k] == least[i]) & (k < i));
        }
        sorted[rank] = least[i];
    }
    return sorted[n - 1];
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

/* Add the centroids of four blocks at the places of a vector that are marked, as far as their
 * values, if they are known, are low enough. */
static void find_in_group(const bf_codebook *book, const float *values, ptrdiff_t at,
                          uint32_t places, vf most, candidates *found)
{
    for (int b = 0; b < BF_BLOCKS_MULTIPLE; ++b, at += BF_BLOCK) {
        uint32_t bits = places;
        if (values != NULL) {
            bits &= vec_at_most(vec_load(values + at), most);
        }
        for (; bits != 0 && found->n < MAX_CANDIDATES; bits &= bits - 1) {
            const int32_t id = book->ids[at + __builtin_ctz(bits)];
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
    const ptrdiff_t n_padded = book->n_blocks * BF_BLOCK;
    found->n = 0;
    for (ptrdiff_t group = 0; group < n_padded; group += GROUP, low += BF_BLOCK) {
        UNROLL
        for (int w = 0; w < BLOCK_VECTORS; ++w) {
            const uint32_t places = vec_at_most(vec_load(low + w * LANES), most);
            if (places != 0) {
                find_in_group(book, values, group + w * LANES, places, most, found);
            }
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
