/* A model out of a file (.bft), of which nothing is believed: every size is checked against the
 * file before it is used, and what is read is checked as any caller's arguments are.
 *
 * All is little-endian. 64 bytes: a magic of 8, then as uint32 the version, the number of sections,
 * the CRC-32 (zlib's) of version, number and all behind the first 24 bytes, 0; then zeros. Sections
 * follow as 24 bytes each: kind and number as uint32, place and size as uint64; places are
 * multiples of 64. Facts are slots of 8 bytes, whole numbers as int64 and others as float64; arrays
 * are float32. */
#include <math.h>
#include <string.h>

#include "stsg.h"

enum { VERSION = 1, HEADER = 64, ENTRY = 24, CHECKED_FROM = 24, MOST_SECTIONS = 2048, SLOT = 8 };

static const uint8_t magic[8] = {0x89, 'B', 'F', 'T', '\r', '\n', 0x1a, '\n'};

typedef enum {
    FACTS = 1, /* the slots of enum fact */
    STREAM,    /* of enum stream_fact */
    CENTROIDS,
    PROJECTION,
    SHIFT,
    EMBEDDINGS,
    IDF,
    EMBEDDING_MEAN,
    STATISTICS_MEAN,
    STATISTICS_DEVIATION,
    VARIANT, /* shift_mels, stretch, gain */
    LAYER,   /* n_in, n_out */
    WEIGHT,
    BIAS,
    CLASSES,    /* names in UTF-8, each ended by a 0 */
    THRESHOLDS, /* float64 */
} kind;

enum fact {
    RATE_HZ,
    WINDOW_SAMPLES,
    N_FFT,
    FRAME_SAMPLES,
    HOP_SAMPLES,
    N_MELS,
    N_MFCC,
    FMIN_HZ,
    FMAX_HZ,
    LOG,
    OFFSET,
    WEIGHTING,
    N_NEAREST,
    LOUDEST,
    EMBEDDING,
    HISTOGRAM,
    STATISTICS,
    UNIT_LENGTH,
    N_STREAMS,
    N_VARIANTS,
    N_LAYERS,
    ACTIVATION,
    N_FACTS
};

enum stream_fact {
    PATCH_FRAMES,
    PATCH_STEP,
    LESS,
    FRAMES_UNIT_LENGTH,
    N_VALUES,
    N_TOKENS,
    DIM,
    N_STREAM_FACTS
};

typedef struct {
    const uint8_t *at;
    size_t n;
} section;

typedef struct {
    section file;
    uint32_t n_sections;
    bf_memory memory; /* what is needed while it is read */
    int bad;
} reader;

static uint64_t number_at(const uint8_t *at, int n_bytes)
{
    uint64_t value = 0;
    for (int i = n_bytes - 1; i >= 0; --i) {
        value = value << 8 | at[i];
    }
    return value;
}

/* Of what came before, 0 for nothing, and n more bytes. */
static uint32_t crc32_of(uint32_t before, const uint8_t *at, size_t n)
{
    static const uint32_t of_nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = ~before;
    for (size_t i = 0; i < n; ++i) {
        crc ^= at[i];
        crc = crc >> 4 ^ of_nibble[crc & 15];
        crc = crc >> 4 ^ of_nibble[crc & 15];
    }
    return ~crc;
}

/* ---- sections ---- */

/* The section of a kind and number; empty, where there is none or it is not wholly in the file. */
static section found(const reader *r, kind of, int32_t number)
{
    for (uint32_t i = 0; i < r->n_sections; ++i) {
        const uint8_t *entry = r->file.at + HEADER + (size_t)i * ENTRY;
        const uint64_t at = number_at(entry + 8, 8), n = number_at(entry + 16, 8);
        if (number_at(entry, 4) == (uint64_t)of && number_at(entry + 4, 4) == (uint64_t)number &&
            at <= r->file.n && n <= r->file.n - at) {
            return (section){r->file.at + at, (size_t)n};
        }
    }
    return (section){NULL, 0};
}

static double real_in(reader *r, section s, int slot)
{
    double value = 0.0;
    if (s.n / SLOT <= (size_t)slot) {
        r->bad = 1;
        return 0.0;
    }
    const uint64_t bits = number_at(s.at + slot * SLOT, SLOT);
    memcpy(&value, &bits, sizeof value);
    r->bad |= !isfinite(value);
    return value;
}

static int64_t whole_in(reader *r, section s, int slot, int64_t least, int64_t most)
{
    int64_t value = least;
    if (s.n / SLOT > (size_t)slot) {
        const uint64_t bits = number_at(s.at + slot * SLOT, SLOT);
        memcpy(&value, &bits, sizeof value);
    } else {
        r->bad = 1;
    }
    if (value < least || value > most) {
        r->bad = 1;
        return least;
    }
    return value;
}

static int32_t int_in(reader *r, section s, int slot, int32_t least, int32_t most)
{
    return (int32_t)whole_in(r, s, slot, least, most);
}

/* The n floats of a section, all finite; NULL where it may be missing and is. */
static const float *floats_in(reader *r, kind of, int32_t number, int64_t n, int may_miss)
{
    const section s = found(r, of, number);
    if (s.at == NULL && may_miss) {
        return NULL;
    }
    if (r->bad || n < 1 || s.n % sizeof(float) != 0 || s.n / sizeof(float) != (uint64_t)n) {
        r->bad = 1;
        return NULL;
    }
    float *values = bf_take(&r->memory, (size_t)n, sizeof(float));
    for (int64_t i = 0; values != NULL && i < n; ++i) {
        const uint32_t bits = (uint32_t)number_at(s.at + i * 4, 4);
        memcpy(values + i, &bits, sizeof bits);
        r->bad |= !isfinite(values[i]);
    }
    return values;
}

/* ---- parts ---- */

static bf_status sound_of(reader *r, section f, bf_stsg_parts *parts, bf_stsg *owner)
{
    bf_logmel_options options;
    bf_logmel_defaults(&options);
    options.rate_hz = parts->rate_hz;
    options.n_fft = int_in(r, f, N_FFT, 1, MOST);
    options.window_samples = int_in(r, f, FRAME_SAMPLES, 1, MOST);
    options.hop_samples = int_in(r, f, HOP_SAMPLES, 1, MOST - 1);
    options.n_mels = int_in(r, f, N_MELS, 1, 1024);
    options.n_mfcc = int_in(r, f, N_MFCC, 0, options.n_mels);
    options.fmin_hz = real_in(r, f, FMIN_HZ);
    options.fmax_hz = real_in(r, f, FMAX_HZ);
    options.level = parts->log ? BF_LEVEL_NATURAL : BF_LEVEL_LINEAR;
    options.offset = parts->log ? real_in(r, f, OFFSET) : 0.0;
    options.opensoundscape = !parts->log;
    parts->n_bands = options.n_mfcc > 0 ? options.n_mfcc : options.n_mels;
    if (r->bad || options.fmax_hz <= 0.0) {
        return BF_BAD_ARGUMENT;
    }
    const bf_status status = bf_logmel_new(&options, &owner->own_spectrogram);
    parts->spectrogram = owner->own_spectrogram;
    return status;
}

static bf_status stream_of(reader *r, int32_t i, const bf_stsg_parts *parts, bf_token_stream *to,
                           bf_stsg *owner)
{
    const section f = found(r, STREAM, i);
    to->patch_frames = int_in(r, f, PATCH_FRAMES, 1, 1000);
    to->patch_step = int_in(r, f, PATCH_STEP, 1, 1000);
    to->less = (bf_less)int_in(r, f, LESS, BF_LESS_NONE, BF_LESS_MEDIAN);
    to->unit_length = int_in(r, f, FRAMES_UNIT_LENGTH, 0, 1);
    to->n_values = int_in(r, f, N_VALUES, 1, BF_MAX_VALUES);
    to->n_tokens = int_in(r, f, N_TOKENS, 1, MOST);
    to->dim = int_in(r, f, DIM, 0, MOST);
    const int64_t n_patch = (int64_t)to->patch_frames * parts->n_bands, n = to->n_tokens;
    to->projection = floats_in(r, PROJECTION, i, to->n_values * n_patch, 1);
    to->shift = floats_in(r, SHIFT, i, to->n_values, 1);
    to->embeddings = floats_in(r, EMBEDDINGS, i, n * to->dim, to->dim == 0);
    to->idf = floats_in(r, IDF, i, n, 1);
    to->embedding_mean = floats_in(r, EMBEDDING_MEAN, i, to->dim, 1);
    const float *centroids = floats_in(r, CENTROIDS, i, n * to->n_values, 0);
    if (r->bad || r->memory.failed) {
        return r->bad ? BF_BAD_ARGUMENT : BF_NO_MEMORY;
    }
    bf_codebook_tables **book = &owner->own_codebooks[i];
    const bf_status status =
        bf_codebook_new(centroids, to->n_tokens, to->n_values, BF_SEARCH_BEST, book);
    if (status == BF_OK) {
        owner->n_own = i + 1;
        to->codebook = bf_codebook_plan(*book);
    }
    return status;
}

static void pooling_of(reader *r, section f, bf_pooling *to)
{
    to->kind = (bf_weighting)int_in(r, f, WEIGHTING, BF_WEIGHTS_MEAN, BF_WEIGHTS_TF_IDF);
    to->n_nearest = int_in(r, f, N_NEAREST, 1, BF_MAX_NEAREST);
    to->loudest = real_in(r, f, LOUDEST);
    to->embedding = (float)real_in(r, f, EMBEDDING);
    to->histogram = (float)real_in(r, f, HISTOGRAM);
    to->statistics = (float)real_in(r, f, STATISTICS);
    to->unit_length = int_in(r, f, UNIT_LENGTH, 0, 1);
}

static void layer_of(reader *r, int32_t i, bf_linear *to)
{
    const section f = found(r, LAYER, i);
    to->n_in = int_in(r, f, 0, 1, MOST);
    to->n_out = int_in(r, f, 1, 1, MOST);
    to->weight = floats_in(r, WEIGHT, i, (int64_t)to->n_in * to->n_out, 0);
    to->bias = floats_in(r, BIAS, i, to->n_out, 0);
}

static void variant_of(reader *r, int32_t i, bf_variant *to)
{
    const section f = found(r, VARIANT, i);
    to->shift_mels = int_in(r, f, 0, -1024, 1024);
    to->stretch = real_in(r, f, 1);
    to->gain = (float)real_in(r, f, 2);
}

/* Names one behind the other, each ended by a 0 within the section. */
static const char *const *names_of(reader *r, int32_t n)
{
    const section s = found(r, CLASSES, 0);
    const char **names = bf_take(&r->memory, (size_t)n, sizeof *names);
    size_t at = 0;
    if (names == NULL) {
        return NULL;
    }
    for (int32_t i = 0; i < n; ++i) {
        const uint8_t *end = at < s.n ? memchr(s.at + at, 0, s.n - at) : NULL;
        if (end == NULL) {
            r->bad = 1;
            return NULL;
        }
        names[i] = (const char *)(s.at + at);
        at = (size_t)(end - s.at) + 1;
    }
    r->bad |= at != s.n;
    return names;
}

static const double *thresholds_of(reader *r, int32_t n)
{
    const section s = found(r, THRESHOLDS, 0);
    if (s.at == NULL) {
        return NULL;
    }
    double *values = bf_take(&r->memory, (size_t)n, sizeof *values);
    for (int32_t i = 0; values != NULL && i < n; ++i) {
        values[i] = real_in(r, s, i);
    }
    r->bad |= s.n != (size_t)n * sizeof *values;
    return values;
}

/* ---- the file ---- */

static bf_status header_of(reader *r, const void *bytes, size_t n)
{
    *r = (reader){.file = {bytes, n}};
    if (n < HEADER || memcmp(bytes, magic, sizeof magic) != 0) {
        return BF_BAD_FILE;
    }
    const uint64_t version = number_at(r->file.at + 8, 4);
    r->n_sections = (uint32_t)number_at(r->file.at + 12, 4);
    if (version > VERSION) {
        return BF_NEWER_FILE;
    }
    const int fine =
        version == VERSION && number_at(r->file.at + 20, 4) == 0 &&
        r->n_sections <= MOST_SECTIONS && n - HEADER >= (size_t)r->n_sections * ENTRY &&
        number_at(r->file.at + 16, 4) ==
            crc32_of(crc32_of(0, r->file.at + 8, 8), r->file.at + CHECKED_FROM, n - CHECKED_FROM);
    return fine ? BF_OK : BF_BAD_FILE;
}

static bf_status model_of(reader *r, bf_stsg *owner, bf_stsg **model)
{
    bf_stsg_parts parts = {0};
    const section f = found(r, FACTS, 0);
    parts.rate_hz = int_in(r, f, RATE_HZ, 1, 1 << 30);
    parts.window_samples = whole_in(r, f, WINDOW_SAMPLES, 1, INT64_C(1) << 32);
    parts.log = int_in(r, f, LOG, 0, 1);
    parts.offset = (float)real_in(r, f, OFFSET);
    parts.activation = (bf_activation)int_in(r, f, ACTIVATION, 0, BF_ACTIVATION_SOFTMAX);
    parts.n_streams = int_in(r, f, N_STREAMS, 1, MOST_STREAMS);
    parts.n_variants = int_in(r, f, N_VARIANTS, 0, MOST_VARIANTS);
    parts.n_layers = int_in(r, f, N_LAYERS, 1, MOST_LAYERS);
    pooling_of(r, f, &parts.pooling);
    bf_status status = sound_of(r, f, &parts, owner);
    bf_token_stream *streams = bf_take(&r->memory, (size_t)parts.n_streams, sizeof *streams);
    bf_variant *variants = bf_take(&r->memory, (size_t)parts.n_variants, sizeof *variants);
    bf_linear *layers = bf_take(&r->memory, (size_t)parts.n_layers, sizeof *layers);
    if (status != BF_OK || r->memory.failed) {
        return status != BF_OK ? status : BF_NO_MEMORY;
    }
    for (int32_t i = 0; status == BF_OK && i < parts.n_streams; ++i) {
        status = stream_of(r, i, &parts, &streams[i], owner);
    }
    for (int32_t i = 0; i < parts.n_variants; ++i) {
        variant_of(r, i, &variants[i]);
    }
    for (int32_t i = 0; i < parts.n_layers; ++i) {
        layer_of(r, i, &layers[i]);
    }
    parts.streams = streams;
    parts.variants = variants;
    parts.layers = layers;
    parts.statistics_mean = floats_in(r, STATISTICS_MEAN, 0, 3 * parts.n_bands, 1);
    parts.statistics_deviation = floats_in(r, STATISTICS_DEVIATION, 0, 3 * parts.n_bands, 1);
    const int32_t n_classes = layers[parts.n_layers - 1].n_out;
    parts.class_names = names_of(r, r->bad ? 0 : n_classes);
    parts.thresholds = thresholds_of(r, r->bad ? 0 : n_classes);
    if (status != BF_OK || r->bad || r->memory.failed) {
        return status != BF_OK ? status : r->bad ? BF_BAD_FILE : BF_NO_MEMORY;
    }
    return bf_stsg_new(&parts, model);
}

bf_status bf_stsg_read(const void *bytes, size_t n, bf_stsg **model)
{
    reader r;
    bf_stsg owner = {.n_own = 0}, *made = NULL;
    if (model == NULL) {
        return BF_BAD_ARGUMENT;
    }
    *model = NULL;
    bf_status status = bytes == NULL ? BF_BAD_FILE : header_of(&r, bytes, n);
    if (status != BF_OK) {
        return status;
    }
    status = model_of(&r, &owner, &made);
    if (status == BF_OK && !bf_stsg_can(made, BF_CAN_SCORE)) {
        status = BF_BAD_FILE;
    }
    bf_give_back(&r.memory);
    if (status != BF_OK) {
        bf_stsg_free(made);
        bf_release_owned(&owner);
        return status == BF_NO_MEMORY ? status : BF_BAD_FILE;
    }
    made->own_spectrogram = owner.own_spectrogram;
    made->n_own = owner.n_own;
    memcpy(made->own_codebooks, owner.own_codebooks, sizeof owner.own_codebooks);
    *model = made;
    return BF_OK;
}
