/* Sines, logarithms and sums, the same on every machine: by series, of numbers that are kept as the
 * sum of two doubles where a rounding would show. */
#include "precise.h"

#include <math.h>

typedef struct {
    double high, low;
} pair;

static const pair eighth_turn = {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55};
static const pair log_of_2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
static const pair log_of_10 = {0x1.26bb1bbb55516p+1, -0x1.f48ad494ea3e9p-53};

/* a + b without a rounding (Knuth). */
static pair sum(double a, double b)
{
    const double s = a + b, t = s - a;
    return (pair){s, (a - (s - t)) + (b - t)};
}

/* a * b without a rounding (Dekker): every factor in two halves of 26 bits. */
static pair product(double a, double b)
{
    const double p = a * b, ta = a * 134217729.0, tb = b * 134217729.0;
    const double ah = ta - (ta - a), bh = tb - (tb - b);
    const double al = a - ah, bl = b - bh;
    return (pair){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

static pair times(double a, pair b)
{
    const pair p = product(a, b.high);
    return sum(p.high, p.low + a * b.low);
}

/* a / b */
static pair quotient(double a, pair b)
{
    const double q = a / b.high;
    const pair back = product(q, b.high);
    return sum(q, ((a - back.high) - back.low - q * b.low) / b.high);
}

/* c[0] + c[1] x + ... of an even number of terms: every other one apart, which takes half the time.
 */
static inline double polynomial(const double *c, int n, double x)
{
    const double square = x * x;
    double even = c[n - 2], odd = c[n - 1];
    for (int i = n - 4; i >= 0; i -= 2) {
        even = even * square + c[i];
        odd = odd * square + c[i + 1];
    }
    return even + x * odd;
}

/* Cosine and sine of an angle up to an eighth of a turn: their series, of which the first terms are
 * added up at last, so that only their rounding shows. */
static void small_turn(pair angle, double *cosine, double *sine)
{
    static const double c[] = {1.0 / 24,
                               -1.0 / 720,
                               1.0 / 40320,
                               -1.0 / 3628800,
                               1.0 / 479001600,
                               -1.0 / 87178291200.0,
                               1.0 / 20922789888000.0,
                               -1.0 / 6402373705728000.0};
    static const double s[] = {-1.0 / 6,
                               1.0 / 120,
                               -1.0 / 5040,
                               1.0 / 362880,
                               -1.0 / 39916800,
                               1.0 / 6227020800.0,
                               -1.0 / 1307674368000.0,
                               1.0 / 355687428096000.0,
                               -1.0 / 121645100408832000.0,
                               1.0 / 51090942171709440000.0};
    const double x = angle.high;
    const pair square = product(x, x);
    const double square_low = square.low + 2 * x * angle.low;
    const double fourth = square.high * square.high;
    const pair first = sum(1.0, -square.high / 2);
    *cosine = first.high + (first.low - square_low / 2 + fourth * polynomial(c, 8, square.high));
    *sine = x + (angle.low + x * square.high * polynomial(s, 10, square.high));
}

void bf_turn(int64_t k, int64_t n, double *cosine, double *sine)
{
    k %= n;
    k += k < 0 ? n : 0;
    /* k / n = (octant + rest / n) / 8; in every other octant the angle is that to its end. */
    const int64_t octant = 8 * k / n, rest = 8 * k - octant * n;
    const int64_t small = octant % 2 ? n - rest : rest;
    const pair part = quotient((double)small, (pair){(double)n, 0});
    const pair p = product(part.high, eighth_turn.high);
    const pair angle =
        sum(p.high, p.low + (part.low * eighth_turn.high + part.high * eighth_turn.low));
    double c, s;
    small_turn(angle, &c, &s);
    const int swapped = octant == 1 || octant == 2 || octant == 5 || octant == 6;
    const double x = swapped ? s : c, y = swapped ? c : s;
    *cosine = octant >= 2 && octant <= 5 ? 0.0 - x : x; /* 0 is not -0 */
    *sine = octant >= 4 ? 0.0 - y : y;
}

static double exponential(pair x)
{
    static const double c[] = {1.0 / 2,
                               1.0 / 6,
                               1.0 / 24,
                               1.0 / 120,
                               1.0 / 720,
                               1.0 / 5040,
                               1.0 / 40320,
                               1.0 / 362880,
                               1.0 / 3628800,
                               1.0 / 39916800,
                               1.0 / 479001600,
                               1.0 / 6227020800.0,
                               1.0 / 87178291200.0,
                               1.0 / 1307674368000.0};
    const double twos = floor(x.high / log_of_2.high + 0.5);
    const pair away = times(-twos, log_of_2);
    const pair rest = sum(x.high, away.high);
    const double r = rest.high, low = rest.low + (away.low + x.low);
    const pair first = sum(1.0, r);
    return ldexp(first.high + (first.low + (low + r * r * polynomial(c, 14, r))), (int)twos);
}

/* log x = twos log 2 + 2 artanh f, f = (m - 1) / (m + 1), where m is x less its twos. */
static pair logarithm(double x)
{
    static const double c[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
                               1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25};
    int twos;
    double m = frexp(x, &twos);
    if (m < 0.70710678118654752) {
        m *= 2;
        --twos;
    }
    const pair f = quotient(m - 1, sum(m, 1));
    const double square = f.high * f.high;
    const double tail = 2 * (f.low + f.high * square * polynomial(c, 12, square));
    const pair whole = times((double)twos, log_of_2);
    const pair first = sum(whole.high, 2 * f.high);
    return sum(first.high, first.low + (whole.low + tail));
}

double bf_exp(double x)
{
    return exponential((pair){x, 0});
}

double bf_exp10(double x)
{
    return exponential(times(x, log_of_10));
}

double bf_log(double x)
{
    return logarithm(x).high;
}

double bf_log10(double x)
{
    const pair natural = logarithm(x);
    const pair found = quotient(natural.high, log_of_10);
    return found.high + (found.low + natural.low / log_of_10.high);
}

#define SUM(NAME, TYPE)                                                                            \
    double NAME(const TYPE *x, ptrdiff_t n)                                                        \
    {                                                                                              \
        if (n > 128) {                                                                             \
            const ptrdiff_t half = n / 2 / 8 * 8;                                                  \
            return NAME(x, half) + NAME(x + half, n - half);                                       \
        }                                                                                          \
        double total = 0, r[8] = {0};                                                              \
        ptrdiff_t i = 0;                                                                           \
        if (n >= 8) {                                                                              \
            for (; i + 8 <= n; i += 8) {                                                           \
                for (int j = 0; j < 8; ++j) {                                                      \
                    r[j] += (double)x[i + j];                                                      \
                }                                                                                  \
            }                                                                                      \
            total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));             \
        }                                                                                          \
        for (; i < n; ++i) {                                                                       \
            total += (double)x[i];                                                                 \
        }                                                                                          \
        return total;                                                                              \
    }

SUM(bf_sum, double)
SUM(bf_sum_of_floats, float)
