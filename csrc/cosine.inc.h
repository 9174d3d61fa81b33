/* The real part of the transform of a symmetrically windowed frame: folded, it is a cosine
 * transform (DCT-I) of half as many points. */

/* A dense DCT-I of a few folded points: x[k] = sum_i point[i] cos(pi i k / n_core). */
static void cosine_core(const bf_spectrogram *plan, const vf *frame, vr *scratch, vr *x)
{
    const int32_t n = plan->n_core + 1;
    for (int32_t i = 0; i < n; ++i) {
        scratch[i] = folded(frame[plan->core_rows[i]], frame[plan->core_mirror_rows[i]],
                            plan->core_window[i]);
    }
    for (int32_t k = 0; k < n; ++k) {
        vr sum = scratch[0] * plan->CORE_MATRIX[k * n];
        for (int32_t i = 1; i < n; ++i) {
            sum += scratch[i] * plan->CORE_MATRIX[k * n + i];
        }
        x[k] = sum;
    }
}

ALWAYS_INLINE void put_pair(vr *x, ptrdiff_t k, ptrdiff_t mirror, ptrdiff_t last, vr odd)
{
    const vr even = x[k];
    if (k <= last) {
        x[k] = even + odd;
    }
    if (mirror <= last) {
        x[mirror] = even - odd;
    }
}

/* The DCT-I of h + 1 even points in x becomes that of 2 h + 1 points. Of the odd points, f is the
 * Fourier transform in Makhoul's order (IEEE Trans. ASSP 28, 1980), which a rotation makes their
 * DCT-II c: then x[k] = x[k] + c[k], x[2 h - k] = x[k] - c[k]. Only bins up to `last` are made. */
static void cosine_double(const vr *f, ptrdiff_t h, const real *rotation, ptrdiff_t last, vr *x)
{
    put_pair(x, 0, 2 * h, last, f[0]);
    /* Where only bins below h / 2 are wanted, those above are not even looked at. */
    const ptrdiff_t end = 2 * last < h ? last + 1 : (h + 1) / 2;
    for (ptrdiff_t k = 1; k < end; ++k, rotation += 2) {
        const vr re = f[2 * k - 1], im = f[2 * k];
        put_pair(x, k, 2 * h - k, last, re * rotation[0] + im * rotation[1]);
        if (h - k <= last) {
            put_pair(x, h - k, h + k, last, re * rotation[1] - im * rotation[0]);
        }
    }
    if (2 * last >= h) {
        put_pair(x, h / 2, h + h / 2, last, f[h - 1] * rotation[0]);
    }
}

static void cosine_transform(const bf_spectrogram *plan, const vf *frame, vr *scratch, vr *x)
{
    cosine_core(plan, frame, scratch, x);
    for (int32_t t = 0; t < plan->n_transforms; ++t) {
        const bf_fft *fft = &plan->transforms[t];
        vr *f = scratch;
        transform(fft, KEEP_ALL, frame, scratch + fft->n, f);
        cosine_double(f, fft->n, fft->ROTATION, plan->last_bin, x);
    }
}
