/* Counts what is allocated in a process that loads this first: tests/test_live_memory.py. */
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static long n_calls;

long mallocs(void)
{
    return n_calls;
}

void *malloc(size_t n_bytes)
{
    __atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);
    return __libc_malloc(n_bytes);
}

void *calloc(size_t n, size_t n_bytes)
{
    __atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);
    return __libc_calloc(n, n_bytes);
}

void *realloc(void *place, size_t n_bytes)
{
    __atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);
    return __libc_realloc(place, n_bytes);
}
