"""What every spectrogram kernel means, in float64 NumPy, and how far float32 may stray from it.

The bounds are worst cases derived from u = 2^-24, the unit roundoff of float32 (N. J. Higham, Accuracy and
Stability of Numerical Algorithms, 2nd edition: gamma(n) = n u / (1 - n u), sections 3.1 and 24.1), not from
what the kernels happen to reach.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special

Float64 = npt.NDArray[np.float64]
U = 2.0**-24
TINY = 2.0**-126  # below the smallest normal float32 relative bounds end: every operation may lose that much


def gamma(n: float) -> float:
    """Relative error of n float32 roundings in a row (Higham, lemma 3.1)."""
    return n * U / (1 - n * U)


def frames(audio: npt.ArrayLike, length: int, hop: int) -> Float64:
    """Every frame that fits: float64 [(samples - length) // hop + 1, length]."""
    audio = np.asarray(audio, np.float64)
    count = max(0, (audio.size - length) // hop + 1)
    starts = np.arange(count)[:, None] * hop
    return audio[starts + np.arange(length)]


def centred(audio: npt.ArrayLike, n_fft: int, pad_mode: str) -> Float64:
    """The audio with n_fft // 2 samples of padding at both ends (librosa's center=True)."""
    audio = np.asarray(audio, np.float64)
    mode = {"constant": "constant", "reflect": "reflect", "edge": "edge"}[pad_mode]
    return np.pad(audio, n_fft // 2, mode=mode)  # type: ignore[call-overload]


def window_in(window: npt.ArrayLike, n_fft: int) -> Float64:
    """The window in the middle of n_fft samples (librosa.util.pad_center)."""
    window = np.asarray(window, np.float64)
    left = (n_fft - window.size) // 2
    return np.pad(window, (left, n_fft - window.size - left))


def stft(audio: npt.ArrayLike, window: npt.ArrayLike, n_fft: int, hop: int) -> npt.NDArray[np.complex128]:
    """Spectra of the windowed frames, each followed by zeros up to n_fft: [frames, n_fft // 2 + 1]."""
    window = np.asarray(window, np.float64)
    return np.fft.rfft(frames(audio, window.size, hop) * window, n_fft, axis=1)


def part_of(spectrum: npt.NDArray[np.complex128], part: str) -> Float64:
    """The real part, the magnitude or the power of a spectrum."""
    if part == "real":
        return spectrum.real
    return np.abs(spectrum) if part == "magnitude" else spectrum.real**2 + spectrum.imag**2


def mel_spectrogram(
    audio: npt.ArrayLike, window: npt.ArrayLike, n_fft: int, hop: int, mel: npt.ArrayLike, part: str
) -> Float64:
    """Bands of the real part, the magnitude or the power: [frames, n_mels]."""
    bins = part_of(stft(audio, window, n_fft, hop), part)
    return np.asarray(bins @ np.asarray(mel, np.float64).T)


def dct(values: npt.ArrayLike, n_coefficients: int) -> Float64:
    """Orthonormal DCT-II over the last axis, its first coefficients, from the definition."""
    values = np.asarray(values, np.float64)
    n = values.shape[-1]
    k = np.arange(n_coefficients)[:, None]
    basis = np.sqrt(np.where(k, 2.0, 1.0) / n) * np.cos(np.pi * k * (2 * np.arange(n) + 1) / (2 * n))
    return np.asarray(values @ basis.T)


def fft_error(n_fft: int) -> float:
    """Bound of ||X' - X||_2 / ||X||_2 for the transform of a windowed frame.

    A transform of length p1 p2 ... is a product of sparse matrices A with p nonzeros of modulus 1 in a row,
    so ||A||_2 = sqrt(p) and || |A| ||_2 = p. One of them in float32, its constants rounded (u) and p complex
    products summed (a product gamma(2) per component, sqrt(2) of it in modulus, and p - 1 additions), errs by
    at most p (u + sqrt(2) gamma(p + 1)) of ||x||_2, sqrt(p) (...) of ||A x||_2 (Higham, theorem 24.2, is the
    case p = 2). Passes of radix 4, 8, 16 are two, three, four such factors and round no more often than
    they do. Window and sample: one rounding of the window, one of the product: gamma(2), and it passes
    through unharmed because the transform is sqrt(n) times a unitary one.
    """
    levels = sum(math.sqrt(p) * (U + math.sqrt(2) * gamma(p + 1)) for p in _prime_factors(n_fft))
    return gamma(2) + levels * (1 + levels)


def mel_error(
    audio: npt.ArrayLike, window: npt.ArrayLike, n_fft: int, hop: int, mel: npt.ArrayLike, part: str
) -> Float64:
    """Bound of the absolute error of each band: [frames, n_mels].

    With e = fft_error ||X||_2 over the bins of a frame (those above n_fft / 2 mirror the others) and by
    Cauchy and Schwarz: real part and magnitude stray by ||w||_2 e, power by
    2 ||w X||_2 e + max|w| e^2. Summing a band of n weights rounds weight, product and sums, and the
    part itself takes three roundings: gamma(n + 5) of sum |w| |part|.
    """
    mel = np.asarray(mel, np.float64)
    spectrum = stft(audio, window, n_fft, hop)
    bins = np.abs(part_of(spectrum, part))
    whole = np.sqrt(n_fft) * np.linalg.norm(
        frames(audio, np.size(window), hop) * np.asarray(window, np.float64), axis=1
    )
    e = fft_error(n_fft) * whole[:, None] + n_fft * TINY
    if part == "power":
        through = 2 * np.sqrt((np.abs(spectrum) ** 2) @ (mel**2).T) * e + np.abs(mel).max(axis=1) * e**2
    else:
        through = np.linalg.norm(mel, axis=1) * e
    terms = np.count_nonzero(mel, axis=1)
    summing = np.array([gamma(n + 5) for n in terms]) * (bins @ np.abs(mel).T)
    return np.asarray(through + summing + (terms + 1) * TINY)


def _prime_factors(n: int) -> list[int]:
    factors, p = [], 2
    while n > 1:
        while n % p == 0:
            factors.append(p)
            n //= p
        p += 1
    return factors


def squared_distances(frames: npt.ArrayLike, centroids: npt.ArrayLike) -> Float64:
    """Squared distances of frames [n, n_values] from centroids [k, n_values]: float64 [n, k]."""
    frames, centroids = np.asarray(frames, np.float64), np.asarray(centroids, np.float64)
    return np.square(frames[:, None] - centroids[None]).sum(axis=-1)


def distance_error(distances: Float64, n_values: int) -> Float64:
    """How far float32 may stray from squared distances added up value by value.

    Each term goes through a difference, which counts twice, a square and at most n_values sums.
    """
    return gamma(n_values + 3) * distances + n_values * TINY


SCORE_LIMIT = 8.0  # beyond it the sigmoid's table has no slope (gensim has 6)


def skipgram_pass(
    inputs: Float64, outputs: Float64, centre: int, contexts: list[int], negatives: list[int], rate: float
) -> tuple[Float64, Float64, float]:
    """Skip-gram with negative sampling, context by context: the rows afterwards, and the loss.

    A pair of a context h and a row o, the centre's (label 1) or a negative's (0), has the loss
    -log sigmoid(h . o) or -log sigmoid(-h . o) (Mikolov et al. 2013, equation 4, negated), with scores
    beyond the limit as if they were at it. All rows of a context go down the gradient of the sum, taken where
    they were before; it is 0 beyond the limit.
    """
    inputs, outputs, loss = inputs.copy(), outputs.copy(), 0.0
    rows, labels = np.array([centre, *negatives]), np.array([1, *(0 for _ in negatives)])
    for context in contexts:
        h, o = inputs[context].copy(), outputs[rows]
        scores = np.clip(o @ h, -SCORE_LIMIT, SCORE_LIMIT)
        chances = 1 / (1 + np.exp(-scores))
        loss -= float(np.log(np.where(labels, chances, 1 - chances)).sum())
        slopes = np.where(np.abs(scores) < SCORE_LIMIT, labels - chances, 0)
        inputs[context] += rate * slopes @ o
        np.add.at(outputs, rows, rate * np.outer(slopes, h))
    return inputs, outputs, loss


def resampled(samples: npt.ArrayLike, from_hz: int, to_hz: int) -> Float64:
    """Sound at another rate through a sinc under a Kaiser window, by definition: of [..., n].

    y[m] = sum_i x[i] h(m / to_hz - i / from_hz); the window reaches 781 samples of the lower rate to either
    side, the sinc's edge is at its Nyquist frequency, beta is that of 120 dB.
    """
    samples = np.asarray(samples, np.float64)
    lower, reach, beta = min(from_hz, to_hz), 781, 0.1102 * (120 - 8.7)
    n = samples.shape[-1]
    m = np.arange(-(-n * to_hz // from_hz))
    t = lower * (m[:, None] / to_hz - np.arange(n) / from_hz)
    bessel = scipy.special.i0  # NumPy's takes six times as long
    window = bessel(beta * np.sqrt(np.maximum(0, 1 - (t / reach) ** 2))) / bessel(beta)
    weights = np.where(np.abs(t) <= reach, np.sinc(t) * window, 0)
    return np.asarray(samples @ weights.T) * (lower / from_hz)


def votes(tokens: npt.NDArray[np.int32], distances: npt.ArrayLike, n_tokens: int) -> Float64:
    """Return the votes of frames for tokens [n_tokens]: each one's, shared by 1 / distance."""
    found = np.zeros(n_tokens)
    for ids, squared in zip(tokens, np.asarray(distances, np.float64), strict=True):
        shares = 1 / np.maximum(np.sqrt(squared), 1e-6)
        for token, share in zip(ids, shares, strict=True):
            if token >= 0:
                found[token] += share / shares.sum()
    return found


def pooled(
    how: Any, tables: Mapping[str, npt.NDArray[np.float32]], votes: npt.ArrayLike, statistics: npt.ArrayLike
) -> Float64:
    """Return the embeddings of windows of one stream of tokens; arguments as `stsg.pooling.Pooler`."""
    table = {name: np.asarray(values, np.float64) for name, values in tables.items()}
    votes, total = np.asarray(votes, np.float64), np.sum(votes, axis=1, keepdims=True)
    weights = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
    if how.kind != "mean":
        weights = np.sqrt(weights) if how.kind == "sqrt" else weights * table["idf"]
    embedding, found = weights @ table["embeddings"], np.asarray(statistics, np.float64)
    if how.unit_length:
        embedding = unit(embedding - table["embedding_mean"])
        weights = unit(weights)
        found = unit((found - table["statistics_mean"]) / table["statistics_deviation"])
    return np.concatenate(
        [how.histogram * weights, how.embedding * embedding, how.statistics * found], axis=1
    )


def unit(rows: Float64) -> Float64:
    """Return rows scaled to length 1; those of no length stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
