/* The parts of which constructors put plans together. */
#ifndef BIRDFAST_FFT_TABLES_H
#define BIRDFAST_FFT_TABLES_H

#include "birdfast.h"
#include "memory.h"

enum { BF_CORE_POINTS = 8 };

/* Leaf, radices and twiddles (doubles, if exact) of n points; BF_BAD_ARGUMENT where none make n. */
bf_status bf_fft_begin(bf_memory *memory, int32_t n, int exact, bf_fft *fft);

/* Points as they come: point p is frame[rows[p]] times weights[p]; NULL stands for p, and for 1. */
bf_status bf_fft_points(bf_memory *memory, bf_fft *fft, const int32_t *rows, const float *weights);

/* The transform of a frame under a window, zeros behind. */
bf_status bf_plain_transform(bf_memory *memory, bf_spectrogram *plan, const float *window,
                             int exact);

/* The cosine transform of a frame that is folded, and whether a window may be. */
int bf_folds(const bf_spectrogram *plan, const float *window, int exact);
bf_status bf_cosine_transforms(bf_memory *memory, bf_spectrogram *plan, const float *window,
                               int exact);

#endif
