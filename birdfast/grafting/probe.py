"""Learning what a piece of a graph does by running it, instead of by matching its operators one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from ..arrays import Array, Float32, Int64
from ..errors import ModelError
from ..runtimes import litert
from . import surgery
from .graph import Graph

Tensor = TypeVar("Tensor")  # what tells one from another: its number, or its name


class Runs(Protocol[Tensor]):
    """A part of a graph that can be run, of either runtime: from tensors of these shapes to one."""

    @property
    def shapes(self) -> Mapping[Tensor, tuple[int, ...]]:
        """Of its inputs."""
        ...

    def __call__(self, feeds: Mapping[Tensor, Array]) -> Array:
        """Return the output for these inputs, each given in any shape of the right size."""
        ...


class Piece:
    """The part of a static graph from some tensors to others, run by the runtime without a delegate.

    Parameters
    ----------
    graph : Graph
        Static; not changed.
    inputs, outputs : sequence of int
        Tensors.

    Raises
    ------
    ModelError
        The outputs need more than these inputs, or the runtime refuses the piece.
    """

    def __init__(self, graph: Graph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.shapes = {t: graph.shape(t) for t in inputs}
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.same = self.inputs == self.outputs
        if not self.same:
            piece = surgery.extract(graph, inputs, outputs)
            self.interpreter = litert.start(piece.write(), delegate=False)

    def __call__(self, feeds: Mapping[int, Array]) -> Array:
        """Return the first output for these inputs, each given in any shape of the right size."""
        values = {t: np.asarray(v, np.float32).reshape(self.shapes[t]) for t, v in feeds.items()}
        if self.same:
            return values[self.inputs[0]].copy()
        return litert.run(self.interpreter, values, self.outputs)[0]


@dataclass(frozen=True)
class FrameGrid:
    """Frame f, sample n is window[n] * signal[start + f * hop + n], and 0 outside of the signal.

    Attributes
    ----------
    n_fft, hop, start, frames : int
        In samples, but for `frames`, which are counted.
    window : float32 [n_fft]
    """

    n_fft: int
    hop: int
    start: int
    frames: int
    window: Float32


def frame_grid(piece: Piece, signal: int, n_fft: int) -> FrameGrid | None:
    """Read off what frames and window a piece cuts.

    Parameters
    ----------
    piece : Piece
        From the signal to an FFT's input.
    signal : int
        Its tensor.
    n_fft : int

    Returns
    -------
    FrameGrid or None
        None if the piece does something else.
    """
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


def _frames(grid: FrameGrid, signal: Float32) -> Float32:
    at = grid.start + grid.hop * np.arange(grid.frames)[:, None] + np.arange(grid.n_fft)
    inside = (at >= 0) & (at < len(signal))
    return np.where(inside, signal[np.clip(at, 0, len(signal) - 1)] * grid.window, np.float32(0))


def affine(piece: Runs[Tensor], source: Tensor, frames: int) -> tuple[Float32, Float32 | None] | None:
    """Read off the matrix product of a piece.

    Parameters
    ----------
    piece : Runs
    source : Tensor
        What it starts from, [frames, bins] in any shape.
    frames : int

    Returns
    -------
    (float32 [bands, bins], float32 [bands] or None) or None
        Weights, and the bias where there is one; None if the piece is no product that treats every frame
        alike.
    """
    bins = int(np.prod(piece.shapes[source])) // frames
    base = piece({source: np.zeros((frames, bins))}).reshape(frames, -1)
    columns = np.empty((bins, base.shape[1]), np.float32)
    for low in range(0, bins, frames):
        n = min(frames, bins - low)
        feed = np.zeros((frames, bins), np.float32)
        feed[np.arange(n), low + np.arange(n)] = 1
        columns[low : low + n] = (piece({source: feed}).reshape(frames, -1) - base)[:n]
    noise = np.random.default_rng(2).uniform(0, 1, (frames, bins)).astype(np.float32)
    products, bias = noise.astype(np.float64) @ columns, float(np.abs(base).max())
    sizes = {1.0, min(1.0, bias / max(float(np.abs(products).max()), 1e-30)) or 1.0}
    for size in sizes:  # beside products of its own size a bias is none if it was the least that there is
        expected = size * products + base
        found = piece({source: np.float32(size) * noise}).reshape(frames, -1)
        if not np.abs(found - expected).max() <= 1e-5 * max(float(np.abs(expected).max()), 1e-30):
            return None
    if (base != base[0]).any():
        return None
    return np.ascontiguousarray(columns.T), base[0] if base[0].any() else None


@dataclass(frozen=True)
class Place:
    """Where the numbers of a branch go: see `frontends.tables.Branch`."""

    offset: int
    frame_stride: int
    band_stride: int
    scale: float
    shift: float


def places(piece: Runs[Tensor], sizes: Mapping[Tensor, tuple[int, int]]) -> list[Place] | None:
    """Read off where a piece puts its inputs.

    Parameters
    ----------
    piece : Runs
    sizes : dict of Tensor to (int, int)
        Frames and bands of each input tensor.

    Returns
    -------
    list of Place, or None
        In the order of `sizes`; None if the piece does more than move and scale.
    """
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


def _place(at: Int64, index: Int64, frames: int, bands: int) -> tuple[int, int, int] | None:
    where = np.full(frames * bands, -1)
    if index.min() < 0 or index.max() >= frames * bands:
        return None
    where[index] = at
    grid = where.reshape(frames, bands)
    frame_stride = int(grid[1, 0] - grid[0, 0]) if frames > 1 else 0
    band_stride = int(grid[0, 1] - grid[0, 0]) if bands > 1 else 0
    lattice = grid[0, 0] + frame_stride * np.arange(frames)[:, None] + band_stride * np.arange(bands)
    return (int(grid[0, 0]), frame_stride, band_stride) if np.array_equal(grid, lattice) else None


def agree(found: Float32, expected: Float32) -> bool:
    """Return whether two front ends agree as float32 lets them, steep roots of nearly nothing left aside.

    Parameters
    ----------
    found, expected : float32, of any shape

    Raises
    ------
    ModelError
        They are not of the same size.
    """
    if found.size != expected.size:
        raise ModelError(f"front end of {found.size} numbers, expected {expected.size}")
    difference = np.abs(found.reshape(-1) - expected.reshape(-1))
    spread = max(float(np.ptp(expected)), 1e-30)
    return bool(np.median(difference) <= 1e-5 * spread and difference.max() <= 0.05 * spread)
