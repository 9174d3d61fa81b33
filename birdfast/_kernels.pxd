"""The C interface (csrc/birdfast.h), for `cimport birdfast._kernels`."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t


cdef extern from "birdfast.h" nogil:
    enum:
        BF_ABI
        BF_MAX_PASSES
        BF_MAX_TRANSFORMS
        BF_ALIGNMENT
        BF_BLOCK
        BF_BLOCKS_MULTIPLE
        BF_MAX_NEAREST
        BF_MAX_VALUES
        BF_INT16_STEPS
        BF_INT8_STEPS

    ctypedef enum bf_status:
        BF_OK
        BF_NO_MEMORY
        BF_BAD_ARGUMENT
        BF_BAD_FILE
        BF_NEWER_FILE

    const char *bf_status_text(bf_status status)

    ctypedef enum bf_part:
        BF_PART_POWER
        BF_PART_MAGNITUDE
        BF_PART_REAL
        BF_PART_COMPLEX

    ctypedef enum bf_post:
        BF_POST_NONE
        BF_POST_LOG
        BF_POST_POW

    ctypedef enum bf_pad:
        BF_PAD_NONE
        BF_PAD_ZERO
        BF_PAD_REFLECT
        BF_PAD_EDGE

    ctypedef struct bf_fft:
        int32_t n
        int32_t leaf
        int32_t n_passes
        int32_t radix[12]
        const float *twiddles
        const int32_t *rows
        const int32_t *mirror_rows
        const float *window
        const float *rotation
        const double *exact_twiddles
        const double *exact_rotation

    ctypedef struct bf_spectrogram:
        int32_t n_fft
        int32_t frame_samples
        int32_t hop_samples
        bf_part part
        int32_t n_transforms
        bf_fft transforms[16]
        int32_t n_core
        const int32_t *core_rows
        const int32_t *core_mirror_rows
        const float *core_window
        const float *core_matrix
        const double *exact_core_matrix
        int32_t last_bin
        int32_t n_bands
        const int32_t *band_bins
        const int32_t *band_splits
        const float *band_weights
        const float *band_bias
        bf_post post
        int32_t square
        float offset
        float floor
        float exponent
        float scale
        float shift
        int32_t n_rows
        const float *matrix

    ctypedef struct bf_frames:
        const float *audio
        Py_ssize_t n_samples
        Py_ssize_t start
        bf_pad pad
        Py_ssize_t n_frames
        float *out
        Py_ssize_t frame_stride
        Py_ssize_t value_stride

    ctypedef enum bf_search:
        BF_SEARCH_ALL
        BF_SEARCH_FLOAT
        BF_SEARCH_INT16
        BF_SEARCH_INT8
        BF_SEARCH_TREE
        BF_SEARCH_BEST

    ctypedef struct bf_codebook:
        bf_search search
        int32_t n_values
        Py_ssize_t n_blocks
        const float *blocks
        const int32_t *ids
        const float *rows
        const float *half_norms
        double longest
        double float_error
        int32_t fused
        const float *centre
        const int16_t *pairs
        const float *steps
        const float *centred_half_norms
        double longest_centred
        double int16_error
        const int8_t *quads
        const float *int8_steps
        const int32_t *int8_offsets
        double int8_error
        Py_ssize_t n_groups
        const float *block_boxes
        const float *group_boxes

    ctypedef struct bf_layer:
        int32_t n_in
        int32_t n_out
        int32_t relu
        const float *blocks
        const float *bias

    ctypedef struct bf_resampler:
        bf_fft forward
        bf_fft backward
        int32_t n_folds
        const int32_t *fold_bins
        const int32_t *folded_bins
        const float *fold_weights
        int32_t step_in
        int32_t first_out
        int32_t step_out

    ctypedef struct bf_exact_kernels:
        int32_t lanes
        size_t (*spectrogram_scratch)(const bf_spectrogram *plan) noexcept nogil
        void (*spectrogram)(const bf_spectrogram *plan, const bf_frames *frames, void *scratch) noexcept nogil

    ctypedef struct bf_kernels:
        const char *name
        int32_t lanes
        size_t (*spectrogram_scratch)(const bf_spectrogram *plan) noexcept nogil
        void (*spectrogram)(const bf_spectrogram *plan, const bf_frames *frames, void *scratch) noexcept nogil
        void (*normalize)(const float *x, Py_ssize_t n, float *out) noexcept nogil
        void (*project)(const float *x, Py_ssize_t x_stride, Py_ssize_t n_rows, int32_t n_in,
                        float floor, const float *matrix, int32_t n_out, float *out,
                        Py_ssize_t out_stride, void *scratch) noexcept nogil
        void (*statistics)(const float *x, Py_ssize_t n_rows, int32_t n_columns, float *out) noexcept nogil
        void (*medians)(const float *x, Py_ssize_t n_rows, int32_t n_columns, float *out) noexcept nogil
        void (*log)(const float *x, Py_ssize_t n, float *out) noexcept nogil
        void (*exp)(const float *x, Py_ssize_t n, float *out) noexcept nogil
        void (*pow)(const float *x, Py_ssize_t n, float exponent, float *out) noexcept nogil
        size_t (*nearest_scratch)(const bf_codebook *book) noexcept nogil
        void (*nearest)(const bf_codebook *book, const float *frames, Py_ssize_t n_frames, int32_t n,
                        int32_t *ids, float *distances, void *scratch) noexcept nogil

        void (*unit_rows)(float *x, Py_ssize_t n_rows, int32_t n, void *scratch) noexcept nogil
        void (*pool)(const float *table, int32_t dim, const int32_t *tokens, const float *weights,
                     int32_t n, float *out) noexcept nogil
        void (*dense)(const bf_layer *layer, const float *x, Py_ssize_t x_stride, Py_ssize_t n_rows,
                      float *out, Py_ssize_t out_stride, void *scratch) noexcept nogil
        size_t (*resample_scratch)(const bf_resampler *plan) noexcept nogil
        void (*resample)(const bf_resampler *plan, const float *x, Py_ssize_t n_blocks, float *out,
                         void *scratch) noexcept nogil

        const bf_exact_kernels *exact

    int32_t bf_abi()
    int32_t bf_fuses()
    const bf_kernels *bf_table(int32_t i)
    const bf_kernels *bf_table_named(const char *name)
    const bf_kernels *bf_table_chosen()

    ctypedef enum bf_window_kind:
        BF_WINDOW_HANN
        BF_WINDOW_HAMMING
        BF_WINDOW_BLACKMAN
        BF_WINDOW_BOXCAR

    ctypedef enum bf_mel_scale:
        BF_MEL_SLANEY
        BF_MEL_HTK

    ctypedef enum bf_level:
        BF_LEVEL_LINEAR
        BF_LEVEL_NATURAL
        BF_LEVEL_DECIBELS

    ctypedef struct bf_framing:
        int32_t window_samples
        int32_t hop_samples
        int32_t span_samples
        int32_t lead_samples
        int32_t pad_samples
        bf_pad pad

    ctypedef struct bf_spectrogram_options:
        int32_t n_fft
        int32_t frame_samples
        int32_t hop_samples
        bf_part part
        const float *window
        int32_t subtract_mean
        int32_t exact
        int32_t last_bin
        int32_t n_bands
        const float *bands
        const float *bias
        bf_post post
        int32_t square
        float offset
        float floor
        float exponent
        float scale
        float shift
        int32_t n_rows
        const float *matrix

    ctypedef struct bf_logmel_options:
        double rate_hz
        int32_t n_fft
        int32_t hop_samples
        int32_t window_samples
        bf_window_kind window
        const double *window_values
        int32_t n_mels
        double fmin_hz
        double fmax_hz
        bf_mel_scale mel_scale
        int32_t mel_normalize
        int32_t power
        bf_level level
        double offset
        double amin
        double ref
        int32_t n_mfcc
        int32_t n_rows
        const float *matrix
        int32_t center
        bf_pad pad
        int32_t opensoundscape

    ctypedef struct bf_resampler_options:
        int32_t n_in
        int32_t n_out
        const int32_t *rows
        const float *weights
        int32_t n_folds
        const int32_t *fold_bins
        const int32_t *folded_bins
        const float *fold_weights
        int32_t step_in
        int32_t first_out
        int32_t step_out

    ctypedef struct bf_spectrogram_tables:
        pass

    ctypedef struct bf_codebook_tables:
        pass

    ctypedef struct bf_resampler_tables:
        pass

    bf_status bf_window_values(bf_window_kind kind, int32_t n, double *values)
    bf_status bf_dct_rows(int32_t n_rows, int32_t n_columns, double *rows)
    double bf_mel_from_hz(double hz, bf_mel_scale scale)
    double bf_mel_to_hz(double mel, bf_mel_scale scale)
    bf_status bf_mel_filters(double rate_hz, int32_t n_fft, int32_t n_mels, double fmin_hz, double fmax_hz,
                             bf_mel_scale scale, int32_t normalize, double *weights)

    Py_ssize_t bf_framing_count(const bf_framing *framing, Py_ssize_t n_samples)
    Py_ssize_t bf_framing_start(const bf_framing *framing, Py_ssize_t frame)

    void bf_logmel_defaults(bf_logmel_options *options)
    bf_status bf_spectrogram_new(const bf_spectrogram_options *options, bf_spectrogram_tables **tables)
    bf_status bf_logmel_new(const bf_logmel_options *options, bf_spectrogram_tables **tables)
    void bf_spectrogram_free(bf_spectrogram_tables *tables)
    const bf_spectrogram *bf_spectrogram_plan(const bf_spectrogram_tables *tables)
    bf_framing bf_spectrogram_framing(const bf_spectrogram_tables *tables)
    int32_t bf_spectrogram_values(const bf_spectrogram_tables *tables)
    size_t bf_spectrogram_scratch(const bf_spectrogram_tables *tables, const bf_kernels *kernels)
    void bf_spectrogram_run(const bf_spectrogram_tables *tables, const bf_kernels *kernels,
                            const bf_frames *frames, void *scratch)

    bf_status bf_codebook_new(const float *centroids, Py_ssize_t n_centroids, int32_t n_values,
                              bf_search search, bf_codebook_tables **tables)
    void bf_codebook_free(bf_codebook_tables *tables)
    const bf_codebook *bf_codebook_plan(const bf_codebook_tables *tables)

    bf_status bf_resampler_new(const bf_resampler_options *options, bf_resampler_tables **tables)
    void bf_resampler_free(bf_resampler_tables *tables)
    const bf_resampler *bf_resampler_plan(const bf_resampler_tables *tables)

    ctypedef enum bf_less:
        BF_LESS_NONE
        BF_LESS_MEAN
        BF_LESS_MEDIAN

    ctypedef enum bf_activation:
        BF_ACTIVATION_NONE
        BF_ACTIVATION_SIGMOID
        BF_ACTIVATION_SOFTMAX

    ctypedef enum bf_weighting:
        BF_WEIGHTS_MEAN
        BF_WEIGHTS_SQRT
        BF_WEIGHTS_TF_IDF

    ctypedef struct bf_token_stream:
        int32_t patch_frames
        int32_t patch_step
        bf_less less
        int32_t unit_length
        int32_t n_values
        const float *projection
        const float *shift
        const bf_codebook *codebook
        int32_t n_tokens
        int32_t dim
        const float *embeddings
        const float *idf
        const float *embedding_mean

    ctypedef struct bf_pooling:
        bf_weighting kind
        int32_t n_nearest
        double loudest
        float embedding
        float histogram
        float statistics
        int32_t unit_length

    ctypedef struct bf_variant:
        int32_t shift_mels
        double stretch
        float gain

    ctypedef struct bf_linear:
        int32_t n_in
        int32_t n_out
        const float *weight
        const float *bias

    ctypedef struct bf_stsg_parts:
        int32_t rate_hz
        int64_t window_samples
        const bf_spectrogram_tables *spectrogram
        int32_t n_bands
        int32_t log
        float offset
        int32_t n_streams
        const bf_token_stream *streams
        int32_t borrows_embeddings
        bf_pooling pooling
        const float *statistics_mean
        const float *statistics_deviation
        int32_t n_variants
        const bf_variant *variants
        int32_t n_layers
        const bf_linear *layers
        const char *const *class_names
        const double *thresholds
        bf_activation activation

    ctypedef struct bf_stsg:
        pass

    ctypedef struct bf_stream:
        pass

    ctypedef struct bf_window:
        int64_t start_sample
        const float *logits
        const float *embedding
        const int32_t *tokens
        int64_t n_tokens

    bf_status bf_stsg_read(const void *bytes, size_t n, bf_stsg **model)
    const char *bf_stsg_class_name(const bf_stsg *model, int32_t i)
    double bf_stsg_threshold(const bf_stsg *model, int32_t i)
    bf_status bf_stsg_new(const bf_stsg_parts *parts, bf_stsg **model)
    void bf_stsg_free(bf_stsg *model)
    ctypedef enum bf_ability:
        BF_CAN_SCORE
        BF_CAN_DESCRIBE
        BF_CAN_POOL
        BF_CAN_JUDGE

    int32_t bf_stsg_can(const bf_stsg *model, bf_ability ability)
    int32_t bf_stsg_rate_hz(const bf_stsg *model)
    int64_t bf_stsg_window_samples(const bf_stsg *model)
    int32_t bf_stsg_n_classes(const bf_stsg *model)
    int32_t bf_stsg_n_embedding(const bf_stsg *model)
    int32_t bf_stsg_n_tokens(const bf_stsg *model)
    int32_t bf_stsg_n_bands(const bf_stsg *model)
    bf_activation bf_stsg_activation(const bf_stsg *model)
    size_t bf_stsg_scratch(const bf_stsg *model, const bf_kernels *kernels)
    size_t bf_stsg_describe_scratch(const bf_stsg *model, const bf_kernels *kernels, int64_t n_frames)
    void bf_stsg_score(const bf_stsg *model, const bf_kernels *kernels, const float *windows, int64_t n,
                       float *logits, float *embedding, void *scratch)
    void bf_stsg_describe(const bf_stsg *model, const bf_kernels *kernels, const float *bands,
                          int64_t n_frames, float *votes, float *statistics, void *scratch)
    void bf_stsg_pool(const bf_stsg *model, const bf_kernels *kernels, const float *votes,
                      const float *statistics, float *embedding, void *scratch)
    void bf_stsg_logits(const bf_stsg *model, const bf_kernels *kernels, const float *embedding, int64_t n,
                        float *logits, void *scratch)
    int64_t bf_varied_frames(const bf_variant *variant, int64_t n_frames)
    void bf_vary(const bf_variant *variant, const bf_kernels *kernels, const float *bands,
                 int64_t n_frames, int32_t n_bands, int32_t log, float offset, float *out)
    bf_status bf_stream_new(const bf_stsg *model, const bf_kernels *kernels, int64_t step_samples,
                            bf_stream **stream)
    void bf_stream_free(bf_stream *stream)
    int32_t bf_stream_push(bf_stream *stream, const float *samples, size_t n, size_t *n_taken)
    int32_t bf_stream_push_int16(bf_stream *stream, const int16_t *samples, size_t n, size_t *n_taken)
    void bf_stream_window(const bf_stream *stream, bf_window *window)
    void bf_stream_restart(bf_stream *stream)


cdef class ShortTimePlan:
    cdef bf_spectrogram_tables *made
    cdef bint subtract_mean
    cdef const bf_kernels *kernels
    cdef object scratch


cdef class CentroidSearch:
    cdef bf_codebook_tables *made
    cdef bf_codebook book
    cdef const bf_kernels *kernels
    cdef object scratch


cdef class BlockResampler:
    cdef bf_resampler_tables *made
    cdef const bf_kernels *kernels
    cdef object scratch


cdef class Stsg:
    cdef bf_stsg *model
    cdef const bf_kernels *kernels
    cdef object kept
    cdef int need(self, bf_ability ability, str what) except -1
    cdef readonly int n_classes, n_embedding, n_tokens, n_bands
    cdef readonly long long window_samples
    cdef readonly int rate_hz
    cdef void know(self) noexcept


cdef class StsgStream:
    cdef Stsg of
    cdef bf_stream *stream
    cdef bint push_some(self, Py_buffer *view, bint is_int16, size_t n, size_t *done) noexcept
    cdef tuple window(self)
