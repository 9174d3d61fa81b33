# Plans: what C constructs of options, and one check of shapes, one `with nogil`, one call.

cdef class ShortTimePlan:
    def __dealloc__(self):
        bf_spectrogram_free(self.made)

    @property
    def cpu(self):
        return self.kernels.name.decode()

    @property
    def n_values(self):
        return bf_spectrogram_values(self.made)

    @property
    def scratch_bytes(self):
        return bf_spectrogram_scratch(self.made, self.kernels)

    def frames(self, Py_ssize_t samples):
        cdef bf_framing framing = bf_spectrogram_framing(self.made)
        return bf_framing_count(&framing, samples)

    def start(self, Py_ssize_t frame):
        cdef bf_framing framing = bf_spectrogram_framing(self.made)
        return bf_framing_start(&framing, frame)

    def tables(self):
        cdef bf_framing framing = bf_spectrogram_framing(self.made)
        made = spectrogram_told(bf_spectrogram_plan(self.made))
        return made | {"framing": {
            "window_samples": framing.window_samples,
            "hop_samples": framing.hop_samples,
            "span_samples": framing.span_samples,
            "lead_samples": framing.lead_samples,
            "pad_samples": framing.pad_samples,
        }}

    def empty_bands(self):
        cdef const bf_spectrogram *plan = bf_spectrogram_plan(self.made)
        return [i for i in range(plan.n_bands) if plan.band_splits[i] == plan.band_splits[i + 1]]

    def run(self, const float[::1] audio, float[:, :] out, *, Py_ssize_t start=0, pad="none"):
        cdef bf_frames frames
        cdef Py_ssize_t end
        cdef bf_framing framing = bf_spectrogram_framing(self.made)
        frames.pad = choice(PADS, pad, "pad")
        require(out.shape[1] == self.n_values, f"out: [frames, {self.n_values}]")
        require(-2**48 < start < 2**48 and out.shape[0] < 2**31, "start or frames out of range")
        if out.shape[0] == 0:
            return
        if frames.pad == BF_PAD_NONE:
            end = start + (out.shape[0] - 1) * framing.hop_samples + framing.window_samples
            require(start >= 0 and end <= audio.shape[0], "frames outside of the audio")
        require(frames.pad == BF_PAD_NONE or not self.subtract_mean, "frames less a mean: without padding")
        if frames.pad in (BF_PAD_REFLECT, BF_PAD_EDGE):
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
            bf_spectrogram_run(self.made, self.kernels, &frames, space)
        self.scratch = scratch


cdef int take_matrix(int32_t *n_rows, const float **into, matrix, Py_ssize_t n_columns) except -1:
    cdef const float[:, ::1] view = matrix
    require(1 <= view.shape[0] < 2**24, "matrix: at least 1 row")
    require(view.shape[1] == n_columns, f"matrix: {n_columns} columns")
    n_rows[0], into[0] = <int32_t>view.shape[0], &view[0, 0]


cdef class FramePlan(ShortTimePlan):
    def __cinit__(
        self, transform, Py_ssize_t hop_samples, *, const float[:, ::1] bands=None,
        const float[::1] bias=None, post="none", bint square=False, float offset=0.0,
        float floor=-INFINITY, float exponent=1.0, float scale=1.0, float shift=0.0, matrix=None,
        bint subtract_mean=False, cpu=None,
    ):
        cdef bf_spectrogram_options options
        cdef const float[::1] window = transform.window
        cdef Py_ssize_t n_columns
        memset(&options, 0, sizeof(options))
        self.kernels = find_table(cpu)
        require(1 <= hop_samples < 2**24, "hop_samples: 1 to 2**24")
        require(1 <= window.shape[0] <= transform.n_fft, "window: 1 to n_fft samples")
        options.n_fft, options.exact, options.last_bin = transform.n_fft, transform.exact, -1
        if transform.last_bin is not None:
            options.last_bin = transform.last_bin
        options.part = choice(PARTS, transform.part, "part")
        options.window, options.frame_samples = &window[0], <int32_t>window.shape[0]
        options.hop_samples, options.subtract_mean = <int32_t>hop_samples, subtract_mean
        self.subtract_mean = subtract_mean
        options.post = choice(POSTS, post, "post")
        options.square, options.offset, options.floor, options.exponent = square, offset, floor, exponent
        options.scale, options.shift = scale, shift
        n_columns = 1 + (options.n_fft // 2 if options.last_bin < 0 else options.last_bin)
        if options.part == BF_PART_COMPLEX:
            n_columns *= 2
        if bands is not None:
            require(options.part != BF_PART_COMPLEX, "bands of complex bins")
            require(1 <= bands.shape[0] < 2**24, "bands: at least 1")
            require(bands.shape[1] == options.n_fft // 2 + 1, f"bands: {options.n_fft // 2 + 1} bins")
            options.n_bands, options.bands = <int32_t>bands.shape[0], &bands[0, 0]
            n_columns = bands.shape[0]
        if bias is not None:
            require(bands is not None and bias.shape[0] == bands.shape[0], "bias: one of each band")
            options.bias = &bias[0]
        if matrix is not None:
            take_matrix(&options.n_rows, &options.matrix, matrix, n_columns)
        require_made(bf_spectrogram_new(&options, &self.made))
        self.scratch = scratch_of(self.scratch_bytes)


cdef class LogMelPlan(ShortTimePlan):
    def __cinit__(
        self, double rate_hz, int32_t n_fft, int32_t hop_samples, Py_ssize_t n_mels, window,
        int32_t window_samples=0, *, double fmin_hz=0.0, double fmax_hz=0.0, int32_t power=2,
        mel_scale="slaney", bint mel_normalize=True, level="natural", double offset=0.0, double amin=0.0,
        double ref=1.0, int32_t n_mfcc=0, matrix=None, bint center=False, pad="zero",
        bint opensoundscape=False, cpu=None,
    ):
        cdef bf_logmel_options options
        cdef const double[::1] values
        self.kernels = find_table(cpu)
        bf_logmel_defaults(&options)
        options.rate_hz, options.n_fft, options.hop_samples = rate_hz, n_fft, hop_samples
        require(1 <= n_mels < 2**24, "n_mels: 1 to 2**24")
        options.window_samples, options.n_mels = window_samples, <int32_t>n_mels
        options.fmin_hz, options.fmax_hz, options.power = fmin_hz, fmax_hz, power
        options.mel_scale = choice(MEL_SCALES, mel_scale, "mel_scale")
        options.mel_normalize, options.level = mel_normalize, choice(LEVELS, level, "level")
        options.offset, options.amin, options.ref, options.n_mfcc = offset, amin, ref, n_mfcc
        options.center, options.pad = center, choice(PADS, pad, "pad")
        options.opensoundscape = self.subtract_mean = opensoundscape
        if isinstance(window, str):
            options.window = choice(WINDOWS, window, "window")
        else:
            values = window
            require(values.shape[0] == (window_samples or n_fft), "window: [window_samples]")
            options.window_values = &values[0]
        if matrix is not None:
            take_matrix(&options.n_rows, &options.matrix, matrix, n_mels)
        require_made(bf_logmel_new(&options, &self.made))
        self.scratch = scratch_of(self.scratch_bytes)


cdef class CentroidSearch:
    def __cinit__(self, const float[:, ::1] centroids, *, search=None, cpu=None, bint fused=True):
        cdef bf_search which = BF_SEARCH_BEST if search is None else choice(SEARCHES, search, "search")
        self.kernels = find_table(cpu)
        require(1 <= centroids.shape[0] and 1 <= centroids.shape[1] <= BF_MAX_VALUES,
                f"centroids: [1 or more, 1 to {BF_MAX_VALUES}]")
        cdef bf_status status
        with nogil:
            status = bf_codebook_new(
                &centroids[0, 0], centroids.shape[0], <int32_t>centroids.shape[1], which, &self.made)
        require_made(status)
        self.book = bf_codebook_plan(self.made)[0]
        self.book.fused &= fused
        self.scratch = scratch_of(self.kernels.nearest_scratch(&self.book))

    def __dealloc__(self):
        bf_codebook_free(self.made)

    @property
    def cpu(self):
        return self.kernels.name.decode()

    @property
    def search(self):
        return next(name for name, value in SEARCHES.items() if value == self.book.search)

    def tables(self):
        return codebook_told(&self.book)

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
        self, int32_t n_in, const int32_t[::1] rows, const float[::1] weights, *, folds=None, int32_t step_in,
        int32_t first_out, int32_t step_out, cpu=None
    ):
        cdef bf_resampler_options options
        cdef const int32_t[::1] bins, folded
        cdef const float[::1] shares
        memset(&options, 0, sizeof(options))
        self.kernels = find_table(cpu)
        require(1 <= rows.shape[0] < 2**31 and weights.shape[0] == rows.shape[0], "weights: as rows")
        options.n_in, options.n_out = n_in, <int32_t>rows.shape[0]
        options.rows, options.weights = &rows[0], &weights[0]
        options.step_in, options.first_out, options.step_out = step_in, first_out, step_out
        if folds is not None and len(folds.bins) > 0:
            bins, folded, shares = folds.bins, folds.folded, folds.weights
            require(bins.shape[0] == folded.shape[0] == shares.shape[0] < 2**31, "folds: as many of each")
            options.n_folds, options.fold_bins = <int32_t>bins.shape[0], &bins[0]
            options.folded_bins, options.fold_weights = &folded[0], &shares[0]
        require_made(bf_resampler_new(&options, &self.made))

    def __dealloc__(self):
        bf_resampler_free(self.made)

    @property
    def cpu(self):
        return self.kernels.name.decode()

    def tables(self):
        cdef const bf_resampler *plan = bf_resampler_plan(self.made)
        return {"forward": fft_told(&plan.forward), "backward": fft_told(&plan.backward)}

    def run(self, const float[::1] x, float[:, ::1] out):
        cdef Py_ssize_t n_blocks = out.shape[0]
        cdef const bf_resampler *plan = bf_resampler_plan(self.made)
        if n_blocks == 0:
            return
        require(out.shape[1] == plan.step_out, f"out: [blocks, {plan.step_out}]")
        require(x.shape[0] >= (n_blocks - 1) * plan.step_in + plan.forward.n, "x: too short")
        # Another thread may be in this plan: whoever finds the scratch taken makes some.
        scratch, self.scratch = self.scratch, None
        if scratch is None:
            scratch = scratch_of(self.kernels.resample_scratch(plan))
        cdef void *space = aligned(scratch)
        with nogil:
            self.kernels.resample(plan, &x[0], n_blocks, &out[0, 0], space)
        self.scratch = scratch
