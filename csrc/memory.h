/* Pieces of memory that are given back together: what constructors take theirs from. */
#ifndef BIRDFAST_MEMORY_H
#define BIRDFAST_MEMORY_H

#include <stddef.h>

/* Begins as {0}. */
typedef struct {
    void *last;
    int failed; /* whether a piece was not to be had */
} bf_memory;

/* n things of so many bytes, zeroed, aligned to BF_ALIGNMENT; NULL when there is no memory. */
void *bf_take(bf_memory *memory, size_t n, size_t bytes_each);

/* The same with a copy of what lies at `from`. */
void *bf_take_copy(bf_memory *memory, size_t n, size_t bytes_each, const void *from);

/* Give all pieces back. */
void bf_give_back(bf_memory *memory);

#endif
