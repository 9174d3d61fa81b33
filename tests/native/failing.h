/* Allocations that fail on purpose, for programs linked with --wrap=calloc and --wrap=free. */
#ifndef FAILING_H
#define FAILING_H

#include <stddef.h>

static long n_allowed, n_held, n_asked; /* the first so many are given; pieces that live; all */

void *__real_calloc(size_t n, size_t bytes_each);
void __real_free(void *piece);

void *__wrap_calloc(size_t n, size_t bytes_each)
{
    void *piece = n_allowed-- > 0 ? __real_calloc(n, bytes_each) : NULL;
    n_held += piece != NULL;
    ++n_asked;
    return piece;
}

void __wrap_free(void *piece)
{
    n_held -= piece != NULL;
    __real_free(piece);
}

#endif
