/* The one place that allocates. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "birdfast.h"
#include "memory.h"

/* A piece begins with the address of the one before; what is handed out follows, aligned. */
void *bf_take(bf_memory *memory, size_t n, size_t bytes_each)
{
    const size_t extra = sizeof(void *) + BF_ALIGNMENT;
    void **piece = NULL;
    if (bytes_each == 0 || n <= (PTRDIFF_MAX - extra) / bytes_each) {
        piece = calloc(1, n * bytes_each + extra);
    }
    if (piece == NULL) {
        memory->failed = 1;
        return NULL;
    }
    *piece = memory->last;
    memory->last = piece;
    const uintptr_t start = (uintptr_t)(piece + 1);
    return (unsigned char *)(piece + 1) + (BF_ALIGNMENT - start % BF_ALIGNMENT) % BF_ALIGNMENT;
}

void *bf_take_copy(bf_memory *memory, size_t n, size_t bytes_each, const void *from)
{
    void *copy = bf_take(memory, n, bytes_each);
    if (copy != NULL && n * bytes_each > 0) {
        memcpy(copy, from, n * bytes_each);
    }
    return copy;
}

void bf_give_back(bf_memory *memory)
{
    while (memory->last != NULL) {
        void **piece = memory->last;
        memory->last = *piece;
        free(piece);
    }
}
