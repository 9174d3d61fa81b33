"""Learning what a piece of a graph does by running it, instead of by matching its operators one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ModelError
from ..frontends.tables import Array, NetworkNormalization
from ..runtimes import litert
from .graph import Graph


class Piece:
    """The part of a static graph from some tensors to others, run by the runtime without a delegate."""

    def __init__(self, graph: Graph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.shapes = {t: graph.shape(t) for t in inputs}
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.same = self.inputs == self.outputs
        if not self.same:
            piece = graph.extract(inputs, outputs)
            self.interpreter = litert.start(piece.write(), delegate=False)

    def __call__(self, feeds: Mapping[int, Array]) -> Array:
        """The first output for these inputs, each given in any shape of the right size."""
        values = {t: np.asarray(v, np.float32).reshape(self.shapes[t]) for t, v in feeds.items()}
        if self.same:
            return values[self.inputs[0]].copy()
        return litert.run(self.interpreter, values, self.outputs)[0]


@dataclass(frozen=True)
class FrameGrid:
    """Frame f, sample n is ``window[n] * signal[start + f * hop + n]``, and 0 outside of the signal."""

    n_fft: int
    hop: int
    start: int
    frames: int
    window: Array


def frame_grid(piece: Piece, signal: int, n_fft: int) -> FrameGrid | None:
    """What frames and window a piece from a signal to an FFT's input cuts; None if it does something else."""
    size = int(np.prod(piece.shapes[signal]))
    ones = piece({signal: np.ones(size)}).reshape(-1, n_fft)
    counted = piece({signal: np.arange(1, size + 1)}).reshape(-1, n_fft)
    frames, inside = len(ones), ones != 0
    window = np.where(inside.any(axis=0), ones[inside.argmax(axis=0), np.arange(n_fft)], 0).astype(np.float32)
    if not inside.any():
        return None
    index = np.rint(counted[inside] / ones[inside]) - 1
    f, n = np.nonzero(inside)
    first = index[f == f[0]][0] - n[f == f[0]][0]  # of the first frame that has a sample inside
    rest = f != f[0]
    hop = (
        1 if not rest.any() else round(float((index[rest][-1] - n[rest][-1] - first) / (f[rest][-1] - f[0])))
    )
    start = int(first - f[0] * hop)
    if hop < 1 or not np.array_equal(index, start + f * hop + n):
        return None
    found = FrameGrid(n_fft, hop, start, frames, window)
    noise = np.random.default_rng(1).uniform(-1, 1, size).astype(np.float32)
    return found if np.array_equal(piece({signal: noise}).reshape(-1, n_fft), _frames(found, noise)) else None


def _frames(grid: FrameGrid, signal: Array) -> Array:
    at = grid.start + grid.hop * np.arange(grid.frames)[:, None] + np.arange(grid.n_fft)
    inside = (at >= 0) & (at < len(signal))
    return np.where(inside, signal[np.clip(at, 0, len(signal) - 1)] * grid.window, np.float32(0))


def affine(piece: Piece, source: int, frames: int) -> tuple[Array, Array | None] | None:
    """Weights ``[bands, bins]`` and bias ``[bands]`` of a piece that treats every frame alike, or None."""
    bins = int(np.prod(piece.shapes[source])) // frames
    base = piece({source: np.zeros((frames, bins))}).reshape(frames, -1)
    columns = np.empty((bins, base.shape[1]), np.float32)
    for low in range(0, bins, frames):
        n = min(frames, bins - low)
        feed = np.zeros((frames, bins), np.float32)
        feed[np.arange(n), low + np.arange(n)] = 1
        columns[low : low + n] = (piece({source: feed}).reshape(frames, -1) - base)[:n]
    noise = np.random.default_rng(2).uniform(0, 1, (frames, bins)).astype(np.float32)
    expected = noise.astype(np.float64) @ columns + base
    error = np.abs(piece({source: noise}).reshape(frames, -1) - expected).max()
    if not error <= 1e-5 * max(float(np.abs(expected).max()), 1e-30) or (base != base[0]).any():
        return None
    return np.ascontiguousarray(columns.T), base[0] if base[0].any() else None


@dataclass(frozen=True)
class Place:
    """Where the numbers of a branch go: see `frontend.Branch`."""

    offset: int
    frame_stride: int
    band_stride: int
    scale: float
    shift: float


def places(piece: Piece, sizes: Mapping[int, tuple[int, int]]) -> list[Place] | None:
    """Where a piece puts its inputs, each ``(frames, bands)``; None if it does more than move and scale."""
    zeros = {t: np.zeros(f * b) for t, (f, b) in sizes.items()}
    base = piece(zeros).reshape(-1)
    if base.size != sum(f * b for f, b in sizes.values()):
        return None
    found = []
    for t, (frames, bands) in sizes.items():
        scaled = piece({**zeros, t: np.ones(frames * bands)}).reshape(-1) - base
        counted = piece({**zeros, t: np.arange(1, frames * bands + 1)}).reshape(-1) - base
        at = np.nonzero(scaled)[0]
        if len(at) != frames * bands:
            return None
        place = _place(at, np.rint(counted[at] / scaled[at]).astype(int) - 1, frames, bands)
        scale, shift = np.median(scaled[at]), base[at[0]]
        if place is None or np.ptp(base[at]) or np.abs(scaled[at] - scale).max() > 1e-5 * abs(scale):
            return None
        # taken from the difference to `base` the scale has lost digits; large inputs give them back
        large = piece({**zeros, t: np.full(frames * bands, 1e6)}).reshape(-1)[at[0]]
        found.append(Place(*place, float((np.float64(large) - shift) / 1e6), float(shift)))
    return found


def _place(at: Array, index: Array, frames: int, bands: int) -> tuple[int, int, int] | None:
    where = np.full(frames * bands, -1)
    if index.min() < 0 or index.max() >= frames * bands:
        return None
    where[index] = at
    grid = where.reshape(frames, bands)
    frame_stride = int(grid[1, 0] - grid[0, 0]) if frames > 1 else 0
    band_stride = int(grid[0, 1] - grid[0, 0]) if bands > 1 else 0
    lattice = grid[0, 0] + frame_stride * np.arange(frames)[:, None] + band_stride * np.arange(bands)
    return (int(grid[0, 0]), frame_stride, band_stride) if np.array_equal(grid, lattice) else None


def normalization(piece: Piece, source: int, signal_size: int) -> NetworkNormalization | None:
    """Which per-window normalisation a piece from samples to signal is, or None."""
    size = int(np.prod(piece.shapes[source]))
    if size != signal_size:
        return None
    rng = np.random.default_rng(3)
    loud = rng.normal(0.01, 0.3, size)
    loud[size // 3] = -2  # what is largest in size is not the maximum
    windows = [loud, rng.uniform(-1e-3, 2e-3, size), 0.9 * np.sin(np.arange(size))]
    # quiet enough that the epsilon of a division shows
    windows += [1e-6 * rng.normal(0, 1, size), 1e-7 * rng.uniform(0, 1, size)]
    feeds = [np.asarray(w, np.float32)[None] for w in windows]
    results = [piece({source: w}).reshape(1, -1) for w in feeds]
    for centre in ("zero", "min", "mean"):
        for span in ("one", "range", "peak", "std"):
            found = _fit(centre, span, feeds, results)
            if found is not None:
                return found
    return None


def _fit(centre: str, span: str, feeds: list[Array], results: list[Array]) -> NetworkNormalization | None:
    """Solve ``y = gain * u / (d + epsilon) + offset`` for u, d of this kind, and say whether it holds."""
    slopes, spans, offsets = [], [], []
    for x, y in zip(feeds, results, strict=True):
        x64, y64 = x.astype(np.float64), y.astype(np.float64)
        moved = NetworkNormalization(centre)(x64)
        width = 1.0 if span == "one" else float(moved.max() if span == "range" else _span(span, moved))
        slope, offset = np.polyfit(moved[0] / width, y64[0], 1)
        slopes.append(slope)
        spans.append(width)
        offsets.append(offset)
    gain, epsilon = slopes[0], 0.0
    if span != "one":  # slope = gain d / (d + epsilon): the loudest tells the gain, the quietest epsilon
        for _ in range(20):
            epsilon = spans[-1] * (gain / slopes[-1] - 1)
            gain = slopes[0] * (1 + epsilon / spans[0])
    found = NetworkNormalization(centre, span, _tidy(epsilon), _tidy(gain), _tidy(float(np.median(offsets))))
    for x, y in zip(feeds, results, strict=True):
        if not np.abs(found(x) - y).max() <= 2e-6 * max(1.0, float(np.abs(y).max())):
            return None
    return found


def _span(span: str, moved: Array) -> float:
    return float(np.abs(moved).max() if span == "peak" else moved.std())


def _tidy(value: float) -> float:
    """A number that somebody may have typed, if one is near: 1e-06 for 9.99999e-07."""
    if abs(value) < 1e-9:
        return 0.0
    typed = float(f"{value:.4g}")
    return typed if abs(typed - value) <= 2e-4 * abs(value) else float(value)


def check(found: Array, expected: Array) -> bool:
    """Whether two front ends agree as well as float32 lets them, steep roots of nearly nothing left aside."""
    if found.size != expected.size:
        raise ModelError(f"front end of {found.size} numbers, expected {expected.size}")
    difference = np.abs(found.reshape(-1) - expected.reshape(-1))
    spread = max(float(np.ptp(expected)), 1e-30)
    return bool(np.median(difference) <= 1e-5 * spread and difference.max() <= 0.05 * spread)
