/* Allocations that are counted, and one of which fails on purpose: for programs linked with
 * @wrapped. */
#ifndef FAILING_H
#define FAILING_H

#include <stdatomic.h>
#include <stddef.h>

static atomic_long n_asked, n_held; /* pieces that were asked for; that live */
static atomic_long failing = -1;    /* the number of the one that is refused */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes_each);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *piece);

/* From now on the one behind `n` others fails; -1: none. */
static inline void fail(long n)
{
    n_asked = 0;
    failing = n;
}

static inline int fails_now(void)
{
    return n_asked++ == failing;
}

static inline void *counted(void *piece)
{
    n_held += piece != NULL;
    return piece;
}

void *__wrap_malloc(size_t bytes)
{
    return fails_now() ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t n, size_t bytes_each)
{
    return fails_now() ? NULL : counted(__real_calloc(n, bytes_each));
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return fails_now() ? NULL : counted(__real_aligned_alloc(alignment, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    void *piece = fails_now() ? NULL : __real_realloc(old, bytes);
    n_held += old == NULL && piece != NULL;
    return piece;
}

void __wrap_free(void *piece)
{
    n_held -= piece != NULL;
    __real_free(piece);
}

#endif
