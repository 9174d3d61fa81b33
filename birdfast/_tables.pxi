# Tables that C makes: windows, mel filters, and what plans hold, for those who compare.


cdef int require_made(bf_status status) except -1:
    """Raise what a constructor's status says, unless it is BF_OK."""
    if status == BF_NO_MEMORY:
        raise MemoryError(bf_status_text(status).decode())
    if status != BF_OK:
        raise ValueError(bf_status_text(status).decode())
    return 0


def window_values(kind, double[::1] out):
    require(1 <= out.shape[0] < 2**31, "out: 1 to 2**31 samples")
    require_made(bf_window_values(choice(WINDOWS, kind, "window"), <int32_t>out.shape[0], &out[0]))


def dct_rows(double[:, ::1] out):
    require(1 <= out.shape[0] < 2**24 and 1 <= out.shape[1] < 2**24, "out: 1 to 2**24 rows and columns")
    require_made(bf_dct_rows(<int32_t>out.shape[0], <int32_t>out.shape[1], &out[0, 0]))


def mel_from_hz(double hz, scale):
    return bf_mel_from_hz(hz, choice(MEL_SCALES, scale, "scale"))


def mel_to_hz(double mel, scale):
    return bf_mel_to_hz(mel, choice(MEL_SCALES, scale, "scale"))


def mel_filters(
    double rate_hz, int32_t n_fft, double fmin_hz, double fmax_hz, scale, bint normalize, double[:, ::1] out
):
    require(out.shape[1] == n_fft // 2 + 1 and 1 <= out.shape[0] < 2**24, "out: [bands, n_fft // 2 + 1]")
    require_made(bf_mel_filters(
        rate_hz, n_fft, <int32_t>out.shape[0], fmin_hz, fmax_hz, choice(MEL_SCALES, scale, "scale"),
        normalize, &out[0, 0]))


cdef object told(const void *table, Py_ssize_t n, str kind):
    """Return a copy of n values, whose type is one of struct's letters; None of no table."""
    if table == NULL:
        return None
    cdef Py_ssize_t size = {"f": 4, "d": 8, "i": 4, "h": 2, "b": 1}[kind]
    return memoryview((<const char *>table)[:n * size]).cast(kind)


cdef dict fft_told(const bf_fft *fft):
    cdef Py_ssize_t n = 0, points = fft.leaf
    for i in range(fft.n_passes):
        n += (points - 1) // 2 * (fft.radix[i] - 1) * 2
        points *= fft.radix[i]
    return {
        "n": fft.n,
        "leaf": fft.leaf,
        "radices": tuple(fft.radix[i] for i in range(fft.n_passes)),
        "twiddles": told(fft.twiddles, n, "f"),
        "exact_twiddles": told(fft.exact_twiddles, n, "d"),
        "rows": told(fft.rows, fft.n, "i"),
        "mirror_rows": told(fft.mirror_rows, fft.n, "i"),
        "window": told(fft.window, fft.n, "f"),
        "rotation": told(fft.rotation, fft.n // 2 * 2, "f"),
        "exact_rotation": told(fft.exact_rotation, fft.n // 2 * 2, "d"),
    }


cdef dict spectrogram_told(const bf_spectrogram *plan):
    cdef Py_ssize_t n_core = plan.n_core + 1, n_columns = plan.n_bands or plan.last_bin + 1
    if plan.part == BF_PART_COMPLEX:
        n_columns *= 2
    return {
        "last_bin": plan.last_bin,
        "transforms": [fft_told(&plan.transforms[i]) for i in range(plan.n_transforms)],
        "core_rows": told(plan.core_rows, n_core, "i"),
        "core_mirror_rows": told(plan.core_mirror_rows, n_core, "i"),
        "core_window": told(plan.core_window, n_core, "f"),
        "core_matrix": told(plan.core_matrix, n_core * n_core, "f"),
        "exact_core_matrix": told(plan.exact_core_matrix, n_core * n_core, "d"),
        "band_bins": told(plan.band_bins, plan.n_bands, "i"),
        "band_splits": told(plan.band_splits, plan.n_bands + 1, "i"),
        "band_weights": (
            None if plan.n_bands == 0 else told(plan.band_weights, plan.band_splits[plan.n_bands], "f")),
        "floor": plan.floor,
        "offset": plan.offset,
        "scale": plan.scale,
        "shift": plan.shift,
        "matrix": told(plan.matrix, plan.n_rows * n_columns, "f"),
    }


cdef dict codebook_told(const bf_codebook *book):
    cdef Py_ssize_t n = book.n_blocks * BF_BLOCK, n_values = book.n_values
    cdef Py_ssize_t box = 2 * BF_BLOCK * n_values
    return {
        "ids": told(book.ids, n, "i"),
        "blocks": told(book.blocks, n * n_values, "f"),
        "half_norms": told(book.half_norms, n, "f"),
        "longest": book.longest,
        "float_error": book.float_error,
        "centre": told(book.centre, n_values, "f"),
        "pairs": told(book.pairs, n * 2 * ((n_values + 1) // 2), "h"),
        "steps": told(book.steps, n, "f"),
        "centred_half_norms": told(book.centred_half_norms, n, "f"),
        "longest_centred": book.longest_centred,
        "int16_error": book.int16_error,
        "quads": told(book.quads, n * 4 * ((n_values + 3) // 4), "b"),
        "int8_steps": told(book.int8_steps, n, "f"),
        "int8_offsets": told(book.int8_offsets, n, "i"),
        "int8_error": book.int8_error,
        "block_boxes": told(book.block_boxes, book.n_groups * box, "f"),
        "group_boxes": told(book.group_boxes, (book.n_groups + BF_BLOCK - 1) // BF_BLOCK * box, "f"),
    }
