/* Functions that give the same bits on every machine, whatever its library of mathematics:
 * additions, products and quotients of doubles alone, none of them contracted. They are within 0.8
 * units in the last place. */
#ifndef BIRDFAST_PRECISE_H
#define BIRDFAST_PRECISE_H

#include <stddef.h>
#include <stdint.h>

/* Cosine and sine of k / n of a turn, n >= 1, |k| and n below 2**59. What is 0, 1 or -1 is so. */
void bf_turn(int64_t k, int64_t n, double *cosine, double *sine);

double bf_exp(double x);   /* of |x| <= 700 */
double bf_log(double x);   /* of x > 0, normal and finite */
double bf_log10(double x); /* likewise */
double bf_exp10(double x); /* of |x| <= 300 */

/* Sums in the order that NumPy has: eight by turns up to 128 values, halves above. */
double bf_sum(const double *x, ptrdiff_t n);
double bf_sum_of_floats(const float *x, ptrdiff_t n);

#endif
