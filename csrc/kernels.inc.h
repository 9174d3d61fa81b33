/* All kernels and their table, at the width and for the target that the including file defines. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tables.h"

#if defined(BF_X86)
#include <immintrin.h>
#endif

/* What is included above must not be compiled for the raised target: only what is below. */
#if defined(TARGET)
#define PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define RAISE(features)                                                                            \
    PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#else
#define RAISE(features) PRAGMA(GCC target(features))
#endif
RAISE(TARGET)
#endif

#include "vec.inc.h"
#if !defined(EXACT)
#include "math.inc.h"
#endif
#include "butterflies.inc.h"
#include "fft.inc.h"
#include "cosine.inc.h"
#include "rows.inc.h"
#include "spectrogram.inc.h"

#if defined(EXACT)
const bf_exact_kernels TABLE = {
    .lanes = LANES,
    .spectrogram_scratch = spectrogram_scratch,
    .spectrogram = spectrogram,
};
#else
#include "project.inc.h"
#include "statistics.inc.h"
#include "medians.inc.h"
#include "tokens.inc.h"
#include "dense.inc.h"
#include "resample.inc.h"

const bf_kernels TABLE = {
    .name = TABLE_NAME,
    .lanes = LANES,
    .spectrogram_scratch = spectrogram_scratch,
    .spectrogram = spectrogram,
    .normalize = normalize,
    .project = project,
    .statistics = statistics,
    .medians = medians,
    .log = log_array,
    .exp = exp_array,
    .pow = pow_array,
    .nearest_scratch = nearest_scratch,
    .nearest = nearest,
    .unit_rows = unit_rows,
    .pool = pool,
    .dense = dense,
    .resample_scratch = resample_scratch,
    .resample = resample,
    .exact = &EXACT_TABLE,
};
#endif

#if defined(TARGET) && defined(__clang__)
#pragma clang attribute pop
#endif
