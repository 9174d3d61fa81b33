/* What a status says, in words. */
#include "birdfast.h"

const char *bf_status_text(bf_status status)
{
    switch (status) {
    case BF_OK:
        return "no error";
    case BF_NO_MEMORY:
        return "no memory is left";
    case BF_BAD_ARGUMENT:
        return "an argument that cannot be";
    case BF_BAD_FILE:
        return "a damaged file, or one of another kind";
    case BF_NEWER_FILE:
        return "a file of a later version";
    }
    return "an unknown status";
}
