/* All kernels and their table, at the width and for the target that the including file defines. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tables.h"

#if defined(TARGET)
#define PRAGMA(text) _Pragma(#text)
#define PUSH_TARGET(features) PRAGMA(GCC target(features))
#pragma GCC push_options
PUSH_TARGET(TARGET)
#endif

#include "vec.inc.h"

#include "math.inc.h"

#include "fft.inc.h"

#include "spectrogram.inc.h"

#if defined(EXACT)
const bf_exact_kernels TABLE = {
    .lanes = LANES,
    .spectrogram_scratch = spectrogram_scratch,
    .spectrogram = spectrogram,
};
#else
#include "project.inc.h"

const bf_kernels TABLE = {
    .name = TABLE_NAME,
    .lanes = LANES,
    .spectrogram_scratch = spectrogram_scratch,
    .spectrogram = spectrogram,
    .normalise = normalise,
    .project = project,
    .log = log_array,
    .pow = pow_array,
    .exact = &EXACT_TABLE,
};
#endif

#if defined(TARGET)
#pragma GCC pop_options
#endif
