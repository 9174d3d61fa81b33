/* An STSG model from the inside: shared by what makes, scores and streams one. */
#ifndef BIRDFAST_STSG_H
#define BIRDFAST_STSG_H

#include "birdfast.h"
#include "memory.h"

/* Patches whose frames are made at a time; those that are gathered first, so many. */
enum { SOME_PATCHES = 64, SOME_GATHERED = 16, SOME_ROWS = 8 }; /* rows: of layers */

enum { MOST = 1 << 24, MOST_STREAMS = 64, MOST_VARIANTS = 256, MOST_LAYERS = 64 };

/* Memory that is counted first (at == NULL) and laid out then, by the same calls. In 64 bits, which
 * hold whatever fits a model (2**60 bytes at most): a size_t of 32 bits would go round unseen. */
typedef struct {
    char *at;
    uint64_t used;
} room;

/* Room for `bytes`, aligned, with what `from` has copied into it. */
void *bf_room_for(room *in, const void *from, uint64_t bytes);

/* The bytes of a room; SIZE_MAX, which nobody gives, where size_t does not hold them. */
size_t bf_room_size(uint64_t bytes);

typedef struct {
    bf_token_stream is;
    int32_t first_token; /* its tokens' place among those of all streams */
    int32_t n_patch;     /* values of a patch */
} token_stream;

struct bf_stsg {
    bf_stsg_parts is; /* its pointers are into this block */
    token_stream *streams;
    bf_layer *layers;
    int32_t n_tokens, n_embedding, n_classes;
    int64_t n_frames; /* of a window */
    bf_framing framing;
    bf_memory memory;                       /* that this lies in */
    bf_spectrogram_tables *own_spectrogram; /* of a model that was read: freed with it */
    bf_codebook_tables *own_codebooks[MOST_STREAMS];
    int32_t n_own;
};

/* What a window is worked out in. */
typedef struct {
    float *bands, *varied, *raised[3]; /* [frames][n_bands]; raised by bf_less */
    float *frames, *gathered;          /* [SOME_PATCHES][n_values], [SOME_GATHERED][n_patch] */
    int32_t *ids;                      /* [patches][n_nearest] */
    float *distances;
    double *votes; /* [n_tokens of a stream] */
    float *counts, *statistics, *pooling, *embedding, *energy, *row, *layer[2];
    int32_t *kept, *said; /* [patches] of the loudest; of the first stream, their tokens */
    void *kernels;
    uint64_t size;
} workspace;

/* Tokens that are known already: of each stream ids and distances of its patches, or NULL. */
typedef struct {
    const int32_t *ids;
    const float *distances;
} known_tokens;

/* Free the spectrogram and the codebooks of a model that was read. */
void bf_release_owned(bf_stsg *model);

workspace bf_workspace(const bf_stsg *model, const bf_kernels *kernels, int64_t n_frames,
                       int with_sound, void *scratch);
int64_t bf_patches(const token_stream *stream, int64_t n_frames);

/* Bands of n frames, the first of which spans the samples from `sound` on. */
void bf_bands(const bf_stsg *model, const bf_kernels *kernels, const float *sound, int64_t n,
              float *bands, const workspace *w);

/* Tokens of the patches first .. first + n - 1 of bands, or of those that `kept` lists. */
void bf_tokens(const bf_stsg *model, const bf_kernels *kernels, const token_stream *stream,
               const float *bands, int64_t first, int64_t n, const int32_t *kept, int32_t *ids,
               float *distances, const workspace *w);

/* Returns how many tokens of the first stream voted, which go to `said` unless it is NULL. */
int64_t bf_describe(const bf_stsg *model, const bf_kernels *kernels, const float *bands,
                    int64_t n_frames, const known_tokens *known, float *counts, float *statistics,
                    int32_t *said, const workspace *w);

/* The embedding of a window's bands, averaged over its variants; then logits of embeddings. Returns
 * how many tokens of the first stream are in w->said. */
int64_t bf_embed(const bf_stsg *model, const bf_kernels *kernels, const float *bands,
                 const known_tokens *known, float *embedding, const workspace *w);
void bf_logits(const bf_stsg *model, const bf_kernels *kernels, const float *embedding, int64_t n,
               float *logits, const workspace *w);

#endif
