/* What a spectrogram's constructors hand out. */
#ifndef BIRDFAST_SPECTROGRAM_TABLES_H
#define BIRDFAST_SPECTROGRAM_TABLES_H

#include "birdfast.h"
#include "memory.h"

struct bf_spectrogram_tables {
    bf_memory memory;
    bf_spectrogram plan;
    bf_framing framing;
    int32_t exact;
    int32_t subtract_mean;
    int32_t stretch; /* where frames lose their means: samples that are added up together */
};

#endif
