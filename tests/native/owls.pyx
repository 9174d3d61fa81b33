# cython: language_level=3
"""A log-mel of another package, by birdfast's core: what tests/test_wheel.py builds outside of this tree."""

from libc.stdlib cimport free

from birdfast._kernels cimport (
    BF_ABI,
    BF_ALIGNMENT,
    BF_LEVEL_NATURAL,
    BF_OK,
    bf_abi,
    bf_frames,
    bf_framing,
    bf_framing_count,
    bf_framing_start,
    bf_kernels,
    bf_logmel_defaults,
    bf_logmel_new,
    bf_logmel_options,
    bf_spectrogram_framing,
    bf_spectrogram_free,
    bf_spectrogram_run,
    bf_spectrogram_scratch,
    bf_spectrogram_tables,
    bf_status,
    bf_status_text,
    bf_table_chosen,
)

cdef extern from "<stdlib.h>" nogil:
    void *aligned_alloc(size_t alignment, size_t n_bytes)


cdef class LogMel:
    cdef bf_spectrogram_tables *tables
    cdef int n_mels

    def __cinit__(self, double rate_hz, int n_fft, int hop_samples, int n_mels, double offset):
        cdef bf_logmel_options options
        cdef bf_status status
        if bf_abi() != BF_ABI:
            raise ImportError("libbirdfast has another interface than its header")
        bf_logmel_defaults(&options)
        options.rate_hz, options.n_fft, options.hop_samples = rate_hz, n_fft, hop_samples
        options.n_mels, options.offset, options.center = n_mels, offset, True
        options.level = BF_LEVEL_NATURAL
        status = bf_logmel_new(&options, &self.tables)
        if status != BF_OK:
            raise ValueError(bf_status_text(status).decode())
        self.n_mels = n_mels

    def __dealloc__(self):
        bf_spectrogram_free(self.tables)

    def frames(self, Py_ssize_t n_samples):
        cdef bf_framing framing = bf_spectrogram_framing(self.tables)
        return bf_framing_count(&framing, n_samples)

    def __call__(self, const float[::1] sound, float[:, ::1] out):
        cdef const bf_kernels *kernels = bf_table_chosen()
        cdef bf_framing framing = bf_spectrogram_framing(self.tables)
        cdef size_t n_bytes = bf_spectrogram_scratch(self.tables, kernels)
        cdef void *scratch = aligned_alloc(BF_ALIGNMENT, (n_bytes // BF_ALIGNMENT + 1) * BF_ALIGNMENT)
        cdef bf_frames frames
        if scratch == NULL:
            raise MemoryError
        frames.audio, frames.n_samples = &sound[0], sound.shape[0]
        frames.start, frames.pad = bf_framing_start(&framing, 0), framing.pad
        frames.out, frames.n_frames = &out[0, 0], out.shape[0]
        frames.frame_stride, frames.value_stride = self.n_mels, 1
        with nogil:
            bf_spectrogram_run(self.tables, kernels, &frames, scratch)
        free(scratch)
