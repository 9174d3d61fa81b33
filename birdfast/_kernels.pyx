"""The Cython door to the compiled kernels: one check of shapes, one `with nogil`, one call."""

from libc.math cimport INFINITY
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uintptr_t
from libc.string cimport memcpy, memset

from birdfast.errors import ConfigError

BLOCK = BF_BLOCK
BLOCKS_MULTIPLE = BF_BLOCKS_MULTIPLE
MAX_NEAREST = BF_MAX_NEAREST
MAX_VALUES = BF_MAX_VALUES
INT16_STEPS = BF_INT16_STEPS
INT8_STEPS = BF_INT8_STEPS

PARTS = {
    "power": BF_PART_POWER,
    "magnitude": BF_PART_MAGNITUDE,
    "real": BF_PART_REAL,
    "complex": BF_PART_COMPLEX,
}
POSTS = {"none": BF_POST_NONE, "log": BF_POST_LOG, "pow": BF_POST_POW}
PADS = {
    "none": BF_PAD_NONE,
    "zero": BF_PAD_ZERO,
    "reflect": BF_PAD_REFLECT,
    "edge": BF_PAD_EDGE,
}
SEARCHES = {
    "all": BF_SEARCH_ALL,
    "float": BF_SEARCH_FLOAT,
    "int16": BF_SEARCH_INT16,
    "int8": BF_SEARCH_INT8,
    "tree": BF_SEARCH_TREE,
}


def cpu_tables():
    names = []
    while bf_table(len(names)) != NULL:
        names.append(bf_table(len(names)).name.decode())
    return tuple(names)


def cpu_table():
    return find_table(None).name.decode()


cdef const bf_kernels *find_table(object name) except NULL:
    cdef const bf_kernels *kernels
    cdef bytes encoded
    if name is None:
        kernels = bf_table_chosen()
        if kernels == NULL:
            import os
            name = os.environ["BIRDFAST_CPU"]
            raise ConfigError(f"BIRDFAST_CPU={name}: this CPU has {', '.join(cpu_tables())}")
    else:
        encoded = name.encode("utf-8", "replace") if isinstance(name, str) else b"none"
        kernels = bf_table_named(encoded)
        if kernels == NULL:
            raise ConfigError(f"cpu={name!r}: this CPU has {', '.join(cpu_tables())}")
    return kernels


cdef object choice(dict names, object name, str what):
    if name not in names:
        raise ValueError(f"{what}={name!r}: one of {', '.join(names)}")
    return names[name]


cdef void require(bint holds, str what) except *:
    if not holds:
        raise ValueError(what)


cdef void *aligned(unsigned char[::1] scratch) noexcept:
    cdef uintptr_t start = <uintptr_t>&scratch[0]
    return <void *>(start + (-start) % <uintptr_t>BF_ALIGNMENT)


cdef bytearray scratch_of(size_t n_bytes):
    return bytearray(n_bytes + BF_ALIGNMENT)


# A plan works from copies of its tables, so that what was checked stays true. They are aligned, as
# vectors that straddle two cache lines take twice as long to load.


cdef void *take(list keep, const void *table, size_t n_bytes):
    copy = scratch_of(n_bytes)
    keep.append(copy)
    cdef void *place = aligned(copy)
    memcpy(place, table, n_bytes)
    return place


cdef const float *take_floats(list keep, table, Py_ssize_t n) except? NULL:
    cdef const float[::1] view = table
    require(view.shape[0] == n, f"a table of {view.shape[0]} where {n} belong")
    return <const float *>take(keep, &view[0], n * sizeof(float))


cdef const double *take_doubles(list keep, table, Py_ssize_t n) except? NULL:
    cdef const double[::1] view = table
    require(view.shape[0] == n, f"a table of {view.shape[0]} where {n} belong")
    return <const double *>take(keep, &view[0], n * sizeof(double))


cdef const int32_t *take_indices(
    list keep, table, Py_ssize_t n, Py_ssize_t below, int32_t lowest=0
) except? NULL:
    cdef const int32_t[::1] view = table
    require(view.shape[0] == n, f"a table of {view.shape[0]} where {n} belong")
    cdef const int32_t *indices = <const int32_t *>take(keep, &view[0], n * sizeof(int32_t))
    cdef Py_ssize_t i
    for i in range(n):
        require(lowest <= indices[i] < below, "an index outside of its table")
    return indices


cdef int take_fft(
    Py_ssize_t n_rows, list keep, bf_fft *into, fft, bint folded, bint exact
) except -1:
    cdef Py_ssize_t points = fft.leaf, twiddles = 0
    require(fft.leaf in (2, 3, 4, 5, 8, 16), "leaf: 2, 3, 4, 5, 8 or 16")
    require(1 <= len(fft.radices) <= BF_MAX_PASSES, "too many or no passes")
    for i, radix in enumerate(fft.radices):
        require(radix in (3, 4, 5, 7, 8), "radices: 3, 4, 5, 7 or 8")
        into.radix[i] = radix
        twiddles += (points - 1) // 2 * (radix - 1) * 2
        points *= radix
        require(points <= 2**20, "too many points")
    require(points == fft.n, "leaf and radices do not make n")
    into.n, into.leaf, into.n_passes = points, fft.leaf, len(fft.radices)
    if exact:
        into.exact_twiddles = take_doubles(keep, fft.twiddles, twiddles)
    else:
        into.twiddles = take_floats(keep, fft.twiddles, twiddles)
    into.rows = take_indices(keep, fft.rows, points, n_rows)
    into.window = take_floats(keep, fft.window, points)
    require(not folded or points % 2 == 0, "a folded transform of odd length")
    if folded:
        into.mirror_rows = take_indices(keep, fft.mirror_rows, points, n_rows)
        if exact:
            into.exact_rotation = take_doubles(keep, fft.rotation, points // 2 * 2)
        else:
            into.rotation = take_floats(keep, fft.rotation, points // 2 * 2)


cdef int take_core(bf_spectrogram *plan, list keep, core, bint exact) except -1:
    cdef Py_ssize_t n = len(core.rows)
    require(n >= 2, "a core of at least 1 point")
    plan.n_core = n - 1
    plan.core_rows = take_indices(keep, core.rows, n, plan.frame_samples)
    plan.core_mirror_rows = take_indices(keep, core.mirror_rows, n, plan.frame_samples)
    plan.core_window = take_floats(keep, core.window, n)
    if exact:
        plan.exact_core_matrix = take_doubles(keep, core.matrix.reshape(-1), n * n)
    else:
        plan.core_matrix = take_floats(keep, core.matrix.reshape(-1), n * n)


cdef int take_transform(bf_spectrogram *plan, list keep, transform) except -1:
    cdef bint folded = transform.core is not None
    plan.n_fft = transform.n_fft
    plan.frame_samples = transform.frame_samples
    plan.last_bin = transform.last_bin
    plan.n_transforms = len(transform.transforms)
    require(16 <= plan.n_fft <= 2**20, "n_fft: 16 to 2**20")
    require(1 <= plan.frame_samples <= plan.n_fft, "frame_samples: 1 to n_fft")
    require(0 <= plan.last_bin <= plan.n_fft // 2, "last_bin: 0 to n_fft / 2")
    require(1 <= plan.n_transforms <= BF_MAX_TRANSFORMS, "too many or no transforms")
    if folded:
        require(plan.part == BF_PART_REAL, "only the real part can be folded")
        take_core(plan, keep, transform.core, transform.exact)
    for i, fft in enumerate(transform.transforms):
        take_fft(plan.frame_samples, keep, &plan.transforms[i], fft, folded, transform.exact)
    points = plan.n_core << plan.n_transforms if folded else plan.transforms[0].n
    require(points == (plan.n_fft // 2 if folded else plan.n_fft), "transforms of another n_fft")
    for i in range(plan.n_transforms):
        require(not folded or plan.transforms[i].n == plan.n_core << i, "transforms do not double")


cdef int take_bands(bf_spectrogram *plan, list keep, bands, bias) except -1:
    cdef Py_ssize_t n = len(bands.first_bins), n_bins = plan.last_bin + 1, i, width
    require(plan.part != BF_PART_COMPLEX, "bands of complex bins")
    require(1 <= n < 2**24, "bands: at least 1")
    cdef const int32_t *first_bins = take_indices(keep, bands.first_bins, n, n_bins + 1)
    cdef const int32_t *splits = take_indices(keep, bands.splits, n + 1, 2**31 - 1)
    require(splits[0] == 0, "splits: [bands + 1], from 0 on")
    for i in range(n):
        width = splits[i + 1] - splits[i]
        require(0 <= width <= n_bins - first_bins[i], "a band outside of the bins")
    plan.n_bands, plan.band_bins, plan.band_splits = n, first_bins, splits
    plan.band_weights = take_floats(keep, bands.weights, splits[n])
    if bias is not None:
        plan.band_bias = take_floats(keep, bias, n)


cdef int take_matrix(bf_spectrogram *plan, list keep, matrix, Py_ssize_t n_columns) except -1:
    cdef const float[:, ::1] view = matrix
    require(1 <= view.shape[0] < 2**24, "matrix: at least 1 row")
    require(view.shape[1] == n_columns, f"matrix: {n_columns} columns")
    plan.n_rows = view.shape[0]
    plan.matrix = <const float *>take(
        keep, &view[0, 0], view.shape[0] * view.shape[1] * sizeof(float))


cdef class FramePlan:
    def __cinit__(
        self, transform, Py_ssize_t hop_samples, *, bands=None, bias=None, post="none",
        bint square=False, float offset=0.0, float floor=-INFINITY, float exponent=1.0,
        float scale=1.0, float shift=0.0, matrix=None, cpu=None,
    ):
        cdef bf_spectrogram *plan = &self.plan
        memset(plan, 0, sizeof(bf_spectrogram))
        self.tables = []
        self.kernels = find_table(cpu)
        plan.part = choice(PARTS, transform.part, "part")
        plan.post = choice(POSTS, post, "post")
        require(1 <= hop_samples < 2**24, "hop_samples: 1 to 2**24")
        require(-10_000 <= exponent <= 10_000, "exponent: at most 10,000 in size")
        plan.hop_samples = hop_samples
        plan.square, plan.offset, plan.floor, plan.exponent = square, offset, floor, exponent
        plan.scale, plan.shift = scale, shift
        take_transform(plan, self.tables, transform)
        self.n_values = (plan.last_bin + 1) * (2 if plan.part == BF_PART_COMPLEX else 1)
        if bands is not None:
            take_bands(plan, self.tables, bands, bias)
            self.n_values = plan.n_bands
        if matrix is not None:
            take_matrix(plan, self.tables, matrix, self.n_values)
            self.n_values = plan.n_rows
        self.exact = transform.exact
        self.scratch = scratch_of(self.scratch_bytes)

    @property
    def cpu(self):
        return self.kernels.name.decode()

    @property
    def scratch_bytes(self):
        if self.exact:
            return self.kernels.exact.spectrogram_scratch(&self.plan)
        return self.kernels.spectrogram_scratch(&self.plan)

    def run(self, const float[::1] audio, float[:, :] out, *, Py_ssize_t start=0, pad="none"):
        cdef bf_frames frames
        cdef Py_ssize_t end
        frames.pad = choice(PADS, pad, "pad")
        require(out.shape[1] == self.n_values, f"out: [frames, {self.n_values}]")
        require(-2**48 < start < 2**48 and out.shape[0] < 2**31, "start or frames out of range")
        if out.shape[0] == 0:
            return
        if frames.pad == BF_PAD_NONE:
            end = start + (out.shape[0] - 1) * self.plan.hop_samples + self.plan.frame_samples
            require(start >= 0 and end <= audio.shape[0], "frames outside of the audio")
        elif frames.pad != BF_PAD_ZERO:
            require(audio.shape[0] > 0, "no audio to pad with")
        frames.audio = &audio[0] if audio.shape[0] > 0 else NULL
        frames.n_samples, frames.start = audio.shape[0], start
        frames.n_frames, frames.out = out.shape[0], &out[0, 0]
        frames.frame_stride = out.strides[0] // <Py_ssize_t>sizeof(float)
        frames.value_stride = out.strides[1] // <Py_ssize_t>sizeof(float)
        # Another thread may be in this plan: whoever finds the scratch taken makes some.
        scratch, self.scratch = self.scratch, None
        if scratch is None:
            scratch = scratch_of(self.scratch_bytes)
        cdef void *space = aligned(scratch)
        with nogil:
            if self.exact:
                self.kernels.exact.spectrogram(&self.plan, &frames, space)
            else:
                self.kernels.spectrogram(&self.plan, &frames, space)
        self.scratch = scratch


def normalize(const float[::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    if x.shape[0] > 0:
        with nogil:
            kernels.normalize(&x[0], x.shape[0], &out[0])


def project(
    const float[:, :] x, const float[:, ::1] matrix, float[:, ::1] out, *,
    float floor=-INFINITY, cpu=None,
):
    cdef const bf_kernels *kernels = find_table(cpu)
    cdef Py_ssize_t n_in = x.shape[1], n_out = matrix.shape[0]
    require(matrix.shape[1] == n_in, "matrix: as many columns as x")
    require(x.strides[1] == sizeof(float) and x.strides[0] % sizeof(float) == 0, "x: rows without gaps")
    require(out.shape[0] == x.shape[0] and out.shape[1] == n_out, "out: [rows of x, rows of matrix]")
    require(1 <= n_in < 2**24 and 1 <= n_out < 2**24, "matrix: 1 to 2**24 rows and columns")
    if x.shape[0] == 0:
        return
    scratch = scratch_of((n_in + n_out) * kernels.lanes * sizeof(float))
    cdef void *space = aligned(scratch)
    with nogil:
        kernels.project(&x[0, 0], x.strides[0] // <Py_ssize_t>sizeof(float), x.shape[0], n_in, floor,
                        &matrix[0, 0], n_out, &out[0, 0], n_out, space)


def statistics(const float[:, ::1] x, float[:, ::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(x.shape[0] >= 1, "x: one row at least")
    require(out.shape[0] == 3 and out.shape[1] == x.shape[1], "out: [3, columns of x]")
    require(1 <= x.shape[1] < 2**24, "x: 1 to 2**24 columns")
    with nogil:
        kernels.statistics(&x[0, 0], x.shape[0], <int32_t>x.shape[1], &out[0, 0])


def medians(const float[:, ::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(x.shape[0] >= 1, "x: one row at least")
    require(out.shape[0] == x.shape[1], "out: a value for each column of x")
    require(1 <= x.shape[1] < 2**24, "x: 1 to 2**24 columns")
    with nogil:
        kernels.medians(&x[0, 0], x.shape[0], <int32_t>x.shape[1], &out[0])


def log(const float[::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    if x.shape[0] > 0:
        with nogil:
            kernels.log(&x[0], x.shape[0], &out[0])


def exp(const float[::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    if x.shape[0] > 0:
        with nogil:
            kernels.exp(&x[0], x.shape[0], &out[0])


def pow(const float[::1] x, float exponent, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    require(-10_000 <= exponent <= 10_000, "exponent: at most 10,000 in size")
    if x.shape[0] > 0:
        with nogil:
            kernels.pow(&x[0], x.shape[0], exponent, &out[0])


ctypedef fused integer:
    int8_t
    int16_t
    int32_t


cdef const integer *take_integers(list keep, table, Py_ssize_t n, const integer *_) except? NULL:
    cdef const integer[::1] view = table
    require(view.shape[0] == n, f"a table of {view.shape[0]} where {n} belong")
    return <const integer *>take(keep, &view[0], n * sizeof(integer))


cdef int take_filter(bf_codebook *book, list keep, packed, Py_ssize_t n_centroids) except -1:
    cdef Py_ssize_t n_padded = book.n_blocks * BF_BLOCK
    book.rows = take_floats(keep, packed.rows.reshape(-1), n_centroids * book.n_values)
    book.half_norms = take_floats(keep, packed.half_norms, n_padded)
    book.longest, book.float_error = packed.longest, packed.float_error
    book.centre = take_floats(keep, packed.centre, book.n_values)
    book.pairs = take_integers(
        keep, packed.pairs, n_padded * 2 * ((book.n_values + 1) // 2), book.pairs)
    book.steps = take_floats(keep, packed.steps, n_padded)
    book.centred_half_norms = take_floats(keep, packed.centred_half_norms, n_padded)
    book.longest_centred, book.int16_error = packed.longest_centred, packed.int16_error
    book.quads = take_integers(
        keep, packed.quads, n_padded * 4 * ((book.n_values + 3) // 4), book.quads)
    book.int8_steps = take_floats(keep, packed.int8_steps, n_padded)
    book.int8_offsets = take_integers(keep, packed.int8_offsets, n_padded, book.int8_offsets)
    book.int8_error = packed.int8_error


cdef int take_tree(bf_codebook *book, list keep, tree) except -1:
    cdef Py_ssize_t box = 2 * BF_BLOCK * book.n_values
    book.n_groups = (book.n_blocks + BF_BLOCK - 1) // BF_BLOCK
    book.block_boxes = take_floats(keep, tree.block_boxes, book.n_groups * box)
    book.group_boxes = take_floats(
        keep, tree.group_boxes, (book.n_groups + BF_BLOCK - 1) // BF_BLOCK * box)


cdef class CentroidSearch:
    def __cinit__(self, packed, *, search="all", cpu=None, bint fused=True):
        cdef bf_codebook *book = &self.book
        memset(book, 0, sizeof(bf_codebook))
        self.tables = []
        self.kernels = find_table(cpu)
        book.search = choice(SEARCHES, search, "search")
        book.fused = fused and bf_fuses()
        book.n_values, book.n_blocks = packed.n_values, packed.ids.size // BF_BLOCK
        require(1 <= book.n_values <= BF_MAX_VALUES, f"n_values: 1 to {BF_MAX_VALUES}")
        require(1 <= book.n_blocks < 2**24 and book.n_blocks % BF_BLOCKS_MULTIPLE == 0,
                f"blocks: a multiple of {BF_BLOCKS_MULTIPLE}")
        book.ids = take_indices(
            self.tables, packed.ids, book.n_blocks * BF_BLOCK, packed.n_centroids, lowest=-1)
        book.blocks = take_floats(
            self.tables, packed.blocks, book.n_blocks * BF_BLOCK * book.n_values)
        if book.search in (BF_SEARCH_FLOAT, BF_SEARCH_INT16, BF_SEARCH_INT8):
            take_filter(book, self.tables, packed.filter, packed.n_centroids)
        elif book.search == BF_SEARCH_TREE:
            take_tree(book, self.tables, packed.tree)
        self.scratch = scratch_of(self.kernels.nearest_scratch(book))

    @property
    def cpu(self):
        return self.kernels.name.decode()

    def run(self, const float[:, ::1] frames, int32_t[:, ::1] ids, float[:, ::1] distances=None):
        cdef Py_ssize_t n_frames = frames.shape[0], n = ids.shape[1]
        cdef float *into = NULL
        require(frames.shape[1] == self.book.n_values, f"frames: [n, {self.book.n_values}]")
        require(ids.shape[0] == n_frames and 1 <= n <= BF_MAX_NEAREST,
                f"ids: [frames, 1 to {BF_MAX_NEAREST}]")
        if n_frames == 0:
            return
        if distances is not None:
            require(distances.shape[0] == n_frames and distances.shape[1] == n, "distances: as ids")
            into = &distances[0, 0]
        # Another thread may be searching here: whoever finds the scratch taken makes some.
        scratch, self.scratch = self.scratch, None
        if scratch is None:
            scratch = scratch_of(self.kernels.nearest_scratch(&self.book))
        cdef void *space = aligned(scratch)
        with nogil:
            self.kernels.nearest(&self.book, &frames[0, 0], n_frames, n, &ids[0, 0], into, space)
        self.scratch = scratch


cdef class BlockResampler:
    def __cinit__(
        self, forward, backward, folds=None, *, int step_in, int first_out, int step_out, cpu=None
    ):
        cdef bf_resampler *plan = &self.plan
        cdef Py_ssize_t n
        memset(plan, 0, sizeof(bf_resampler))
        self.tables = []
        self.kernels = find_table(cpu)
        take_fft(forward.n, self.tables, &plan.forward, forward, False, False)
        take_fft(forward.n, self.tables, &plan.backward, backward, False, False)
        require(1 <= step_in <= plan.forward.n, "step_in: 1 to the points of the block")
        require(0 <= first_out and 1 <= step_out <= plan.backward.n - first_out, "step_out: too long")
        plan.step_in, plan.first_out, plan.step_out = step_in, first_out, step_out
        if folds is not None and len(folds.bins) > 0:
            n = len(folds.bins)
            require(not set(folds.bins) & set(folds.folded), "folds: of bins that are folded")
            plan.n_folds = n
            plan.fold_bins = take_indices(self.tables, folds.bins, n, forward.n)
            plan.folded_bins = take_indices(self.tables, folds.folded, n, forward.n)
            plan.fold_weights = take_floats(self.tables, folds.weights, n)

    @property
    def cpu(self):
        return self.kernels.name.decode()

    def run(self, const float[::1] x, float[:, ::1] out):
        cdef Py_ssize_t n_blocks = out.shape[0]
        if n_blocks == 0:
            return
        require(out.shape[1] == self.plan.step_out, f"out: [blocks, {self.plan.step_out}]")
        require(x.shape[0] >= (n_blocks - 1) * self.plan.step_in + self.plan.forward.n, "x: too short")
        # Another thread may be in this plan: whoever finds the scratch taken makes some.
        scratch, self.scratch = self.scratch, None
        if scratch is None:
            scratch = scratch_of(self.kernels.resample_scratch(&self.plan))
        cdef void *space = aligned(scratch)
        with nogil:
            self.kernels.resample(&self.plan, &x[0], n_blocks, &out[0, 0], space)
        self.scratch = scratch


include "_stsg.pxi"
