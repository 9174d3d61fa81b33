# STSG models and streams: included by _kernels.pyx.

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBuffer_Release, PyObject_GetBuffer

LESS = {"none": BF_LESS_NONE, "mean": BF_LESS_MEAN, "median": BF_LESS_MEDIAN}
WEIGHTINGS = {"mean": BF_WEIGHTS_MEAN, "sqrt": BF_WEIGHTS_SQRT, "tf-idf": BF_WEIGHTS_TF_IDF}


cdef void check_status(bf_status status, str what) except *:
    if status == BF_NO_MEMORY:
        raise MemoryError
    if status != BF_OK:
        raise ConfigError(f"{what}: {bf_status_text(status).decode()}")


# Tables of a model, whose shapes are checked here; the constructor copies all but the embeddings.
cdef const float *table_of(list keep, array, tuple shape) except? NULL:
    cdef const float[::1] view
    if array is None:
        return NULL
    if tuple(array.shape) != shape:
        raise ConfigError(f"an array {list(array.shape)} where {list(shape)} fits")
    view = array.reshape(-1)
    keep.append(view)
    return &view[0] if view.shape[0] > 0 else NULL


cdef int take_token_stream(list keep, bf_token_stream *into, stream, int n_bands) except -1:
    cdef CentroidSearch search
    cdef Py_ssize_t n_patch
    into.patch_frames, into.patch_step = stream.patch_frames, stream.patch_step
    into.less, into.unit_length = choice(LESS, stream.less, "less"), stream.unit_length
    into.n_tokens = stream.n_tokens
    n_patch = <Py_ssize_t>stream.patch_frames * n_bands
    into.n_values = n_patch if stream.projection is None else len(stream.projection)
    into.projection = table_of(keep, stream.projection, (into.n_values, n_patch))
    into.shift = table_of(keep, stream.shift, (into.n_values,))
    if stream.search is not None:
        search = stream.search
        if search.book.n_values != into.n_values:
            raise ConfigError(f"centroids of {search.book.n_values} values, frames of {into.n_values}")
        into.codebook = &search.book
    if stream.says.embeddings is not None:
        into.dim = stream.says.embeddings.shape[1]
        into.embeddings = table_of(keep, stream.says.embeddings, (into.n_tokens, into.dim))
        into.embedding_mean = table_of(keep, stream.says.embedding_mean, (into.dim,))
    into.idf = table_of(keep, stream.says.idf, (into.n_tokens,))


cdef int take_layers(list keep, bf_stsg_parts *parts, layers) except -1:
    cdef bf_linear *into
    room = bytearray((len(layers) + 1) * sizeof(bf_linear))
    cdef unsigned char[::1] view = room
    keep.append(view)
    into = <bf_linear *>&view[0]
    for i, layer in enumerate(layers):
        into[i].n_out, into[i].n_in = layer.weight.shape
        into[i].weight = table_of(keep, layer.weight, (into[i].n_out, into[i].n_in))
        into[i].bias = table_of(keep, layer.bias, (into[i].n_out,))
    parts.n_layers, parts.layers = len(layers), into


cdef int take_streams(list keep, bf_stsg_parts *parts, streams) except -1:
    cdef bf_token_stream *into
    room = bytearray((len(streams) + 1) * sizeof(bf_token_stream))
    cdef unsigned char[::1] view = room
    keep.append(view)
    into = <bf_token_stream *>&view[0]
    for i, stream in enumerate(streams):
        take_token_stream(keep, &into[i], stream, parts.n_bands)
    parts.n_streams, parts.streams = len(streams), into


cdef int take_variants(list keep, bf_stsg_parts *parts, variants) except -1:
    cdef bf_variant *into
    room = bytearray((len(variants) + 1) * sizeof(bf_variant))
    cdef unsigned char[::1] view = room
    keep.append(view)
    into = <bf_variant *>&view[0]
    for i, variant in enumerate(variants):
        into[i] = variant_of(variant)
    parts.n_variants, parts.variants = len(variants), into


cdef bf_variant variant_of(variant):
    return bf_variant(variant.shift_mels, variant.stretch, variant.gain)


cdef int take_sound(bf_stsg_parts *parts, sound, ShortTimePlan plan) except -1:
    parts.spectrogram = plan.made
    parts.rate_hz, parts.window_samples = sound.rate_hz, sound.window_samples


cdef class Stsg:
    def __cinit__(
        self, *, pooling=None, int n_bands=1, bint log=False, float offset=0.0, sound=None, streams=(),
        variants=(), layers=(), statistics_mean=None, statistics_deviation=None, cpu=None,
    ):
        cdef bf_stsg_parts parts
        cdef list keep = []
        memset(&parts, 0, sizeof(bf_stsg_parts))
        self.kernels = find_table(cpu)
        parts.pooling.n_nearest, parts.pooling.loudest = 1, 1.0
        if pooling is not None:
            parts.pooling = bf_pooling(
                choice(WEIGHTINGS, pooling.kind, "kind"), pooling.n_nearest, pooling.loudest,
                pooling.embedding, pooling.histogram, pooling.statistics, pooling.unit_length)
        parts.n_bands, parts.log, parts.offset = n_bands, log, offset
        require(1 <= n_bands < 2**14, "n_bands: 1 to 2**14")
        if sound is not None:
            take_sound(&parts, sound, sound.plan)
        take_streams(keep, &parts, streams)
        parts.borrows_embeddings = True
        take_variants(keep, &parts, variants)
        take_layers(keep, &parts, layers)
        parts.statistics_mean = table_of(keep, statistics_mean, (3 * n_bands,))
        parts.statistics_deviation = table_of(keep, statistics_deviation, (3 * n_bands,))
        check_status(bf_stsg_new(&parts, &self.model), "the model's parts")
        self.kept = (sound, streams, keep)  # spectrogram, codebooks and embeddings are read where they are
        self.know()

    @staticmethod
    def read(const unsigned char[::1] file, *, cpu=None):
        cdef Stsg made = Stsg.__new__(Stsg, cpu=cpu)
        cdef bf_stsg *model = NULL
        cdef size_t n = file.shape[0]
        cdef bf_status status
        if n == 0:
            raise ConfigError(bf_status_text(BF_BAD_FILE).decode())
        with nogil:
            status = bf_stsg_read(&file[0], n, &model)
        if status == BF_NO_MEMORY:
            raise MemoryError
        if status != BF_OK:
            raise ConfigError(bf_status_text(status).decode())
        bf_stsg_free(made.model)
        made.model = model
        made.know()
        return made

    cdef void know(self) noexcept:
        self.n_classes, self.n_embedding = bf_stsg_n_classes(self.model), bf_stsg_n_embedding(self.model)
        self.n_tokens, self.n_bands = bf_stsg_n_tokens(self.model), bf_stsg_n_bands(self.model)
        self.window_samples, self.rate_hz = bf_stsg_window_samples(self.model), bf_stsg_rate_hz(self.model)

    @property
    def classes(self):
        return tuple(bf_stsg_class_name(self.model, i).decode() for i in range(self.n_classes))

    @property
    def thresholds(self):
        found = tuple(bf_stsg_threshold(self.model, i) for i in range(self.n_classes))
        return found if min(found, default=-1) >= 0 else ()

    def __dealloc__(self):
        bf_stsg_free(self.model)

    cdef int need(self, bf_ability ability, str what) except -1:
        if not bf_stsg_can(self.model, ability):
            raise ConfigError(f"the model lacks tables: nothing can be {what}")

    @property
    def cpu(self):
        return self.kernels.name.decode()

    def scratch(self):
        self.need(BF_CAN_SCORE, "scored")
        return scratch_of(bf_stsg_scratch(self.model, self.kernels))

    def score(self, const float[:, ::1] windows, float[:, ::1] logits, float[:, ::1] embedding,
              unsigned char[::1] scratch):
        cdef Py_ssize_t n = windows.shape[0]
        self.need(BF_CAN_SCORE, "scored")
        require(windows.shape[1] == self.window_samples, f"windows: [n, {self.window_samples}]")
        require(logits.shape[0] == n and logits.shape[1] == self.n_classes, "logits: [n, n_classes]")
        require(embedding.shape[0] == n and embedding.shape[1] == self.n_embedding,
                "embedding: [n, n_embedding]")
        require(scratch.shape[0] >= <Py_ssize_t>bf_stsg_scratch(self.model, self.kernels) + BF_ALIGNMENT,
                "scratch: too small")
        if n == 0:
            return
        cdef void *space = aligned(scratch)
        with nogil:
            bf_stsg_score(self.model, self.kernels, &windows[0, 0], n, &logits[0, 0], &embedding[0, 0], space)

    def describe(self, const float[:, ::1] bands, float[::1] votes, float[::1] statistics):
        cdef Py_ssize_t n_frames = bands.shape[0]
        cdef const float *at = &bands[0, 0] if n_frames > 0 else NULL
        require(bands.shape[1] == self.n_bands, f"bands: [n, {self.n_bands}]")
        require(votes.shape[0] == self.n_tokens, f"votes: [{self.n_tokens}]")
        require(statistics.shape[0] == 3 * self.n_bands, f"statistics: [{3 * self.n_bands}]")
        self.need(BF_CAN_DESCRIBE, "described")
        scratch = scratch_of(bf_stsg_describe_scratch(self.model, self.kernels, n_frames))
        cdef void *space = aligned(scratch)
        cdef float *into = &votes[0] if self.n_tokens > 0 else NULL
        with nogil:
            bf_stsg_describe(self.model, self.kernels, at, n_frames, into, &statistics[0], space)

    def pool(self, const float[:, ::1] votes, const float[:, ::1] statistics, float[:, ::1] embedding):
        cdef Py_ssize_t n = votes.shape[0], row
        self.need(BF_CAN_POOL, "pooled")
        require(votes.shape[1] == self.n_tokens, f"votes: [n, {self.n_tokens}]")
        require(statistics.shape[0] == n and statistics.shape[1] == 3 * self.n_bands,
                f"statistics: [n, {3 * self.n_bands}]")
        require(embedding.shape[0] == n and embedding.shape[1] == self.n_embedding,
                f"embedding: [n, {self.n_embedding}]")
        if n == 0 or self.n_embedding == 0:
            return
        cdef const float *at = &votes[0, 0] if self.n_tokens > 0 else NULL
        scratch = scratch_of(2 * self.n_tokens * sizeof(float))
        cdef void *space = aligned(scratch)
        with nogil:
            for row in range(n):
                bf_stsg_pool(self.model, self.kernels, at + row * self.n_tokens, &statistics[row, 0],
                             &embedding[row, 0], space)

    def logits(self, const float[:, ::1] embedding, float[:, ::1] logits):
        cdef Py_ssize_t n = embedding.shape[0]
        self.need(BF_CAN_JUDGE, "judged")
        require(embedding.shape[1] == self.n_embedding, f"embedding: [n, {self.n_embedding}]")
        require(logits.shape[0] == n and logits.shape[1] == self.n_classes, "logits: [n, n_classes]")
        if n == 0:
            return
        scratch = scratch_of(bf_stsg_scratch(self.model, self.kernels))
        cdef void *space = aligned(scratch)
        with nogil:
            bf_stsg_logits(self.model, self.kernels, &embedding[0, 0], n, &logits[0, 0], space)


def unit_rows(float[:, ::1] x, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(1 <= x.shape[1] < 2**24, "x: 1 to 2**24 columns")
    if x.shape[0] == 0:
        return
    scratch = scratch_of(x.shape[1] * kernels.lanes * sizeof(float))
    cdef void *space = aligned(scratch)
    with nogil:
        kernels.unit_rows(&x[0, 0], x.shape[0], <int32_t>x.shape[1], space)


def vary(variant, const float[:, ::1] bands, float[:, ::1] out, *, bint log, float offset, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    cdef bf_variant how = variant_of(variant)
    require(0.25 <= how.stretch <= 4 and -2**20 < how.shift_mels < 2**20, "a variant out of its range")
    require(out.shape[0] == bf_varied_frames(&how, bands.shape[0]) and out.shape[1] == bands.shape[1],
            "out: [frames of the variant, columns of bands]")
    if out.shape[0] > 0 and out.shape[1] > 0:
        with nogil:
            bf_vary(&how, kernels, &bands[0, 0], bands.shape[0], <int32_t>bands.shape[1], log, offset,
                    &out[0, 0])


cdef class StsgStream:
    def __cinit__(self, Stsg of, step_samples):
        of.need(BF_CAN_SCORE, "scored")
        check_status(bf_stream_new(of.model, of.kernels, step_samples, &self.stream), "step_samples")
        self.of = of

    def __dealloc__(self):
        bf_stream_free(self.stream)

    def restart(self):
        bf_stream_restart(self.stream)

    def push(self, samples):
        cdef Py_buffer view
        cdef size_t n, done = 0
        cdef list found = None
        cdef bint is_int16
        PyObject_GetBuffer(samples, &view, PyBUF_ND | PyBUF_FORMAT)
        try:
            is_int16 = view.format != NULL and view.format[0] == b"h" and view.format[1] == 0
            require(view.ndim == 1 and (is_int16 or (view.format != NULL and view.format[0] == b"f"
                                                     and view.format[1] == 0)),
                    "samples: float32 or int16 [n]")
            n = view.shape[0]
            while self.push_some(&view, is_int16, n, &done):
                if found is None:
                    found = []
                found.append(self.window())
        finally:
            PyBuffer_Release(&view)
        return () if found is None else tuple(found)

    cdef bint push_some(self, Py_buffer *view, bint is_int16, size_t n, size_t *done) noexcept:
        cdef size_t taken = 0
        cdef bint complete
        if is_int16:
            with nogil:
                complete = bf_stream_push_int16(
                    self.stream, <const int16_t *>view.buf + done[0], n - done[0], &taken)
        else:
            with nogil:
                complete = bf_stream_push(
                    self.stream, <const float *>view.buf + done[0], n - done[0], &taken)
        done[0] += taken
        return complete

    cdef tuple window(self):
        cdef bf_window found
        bf_stream_window(self.stream, &found)
        return (
            found.start_sample,
            bytes(<const unsigned char[:self.of.n_classes * sizeof(float)]><unsigned char *>found.logits),
            bytes(
                <const unsigned char[:self.of.n_embedding * sizeof(float)]><unsigned char *>found.embedding
            ),
        )
