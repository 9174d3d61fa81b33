"""A codebook as the compiled kernels take it: blocks of centroids, and what rules most of them out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._kernels import BLOCK, BLOCKS_MULTIPLE, INT8_STEPS, INT16_STEPS
from ..arrays import Float32, Float64, Int32

Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]

SMALLEST_STEP = 1e-20
ROUNDOFF = 2.0**-24


@dataclass(frozen=True, eq=False)
class Filter:
    """What the filters need: csrc/birdfast.h, bf_codebook, has the meaning of each."""

    rows: Float32
    half_norms: Float32
    longest: float
    float_error: float
    centre: Float32
    pairs: Int16
    steps: Float32
    centred_half_norms: Float32
    longest_centred: float
    int16_error: float
    quads: Int8
    int8_steps: Float32
    int8_offsets: Int32
    int8_error: float


@dataclass(frozen=True, eq=False)
class Tree:
    """Boxes around blocks, and around groups of BLOCK blocks."""

    block_boxes: Float32
    group_boxes: Float32


@dataclass(frozen=True, eq=False)
class Packed:
    """Centroids in blocks: `blocks` [n_blocks * n_values * BLOCK], `ids` [n_blocks * BLOCK], -1 for none."""

    n_centroids: int
    n_values: int
    blocks: Float32
    ids: Int32
    filter: Filter | None = None
    tree: Tree | None = None


def in_order(centroids: Float32) -> Packed:
    """Pack centroids [n, n_values] as they come, with tables for the filters."""
    n, n_values = centroids.shape
    rows, ids = _padded(centroids, np.arange(n))
    return Packed(n, n_values, _blocks(rows), ids, filter=_filter(centroids, rows, ids))


def by_place(centroids: Float32) -> Packed:
    """Pack centroids so that neighbours share a block, with boxes around the blocks."""
    n, n_values = centroids.shape
    rows, ids = _padded(centroids, _tree_order(centroids))
    lower, upper = _bounds(rows, ids)
    boxes = Tree(_boxes(lower, upper), _boxes(*_group_bounds(lower, upper)))
    return Packed(n, n_values, _blocks(rows), ids, tree=boxes)


def blur(packed: Packed, frames: Float32) -> Float64:
    """Return how much squared distances of frames may differ that int16 does not tell apart: [n]."""
    assert packed.filter is not None
    centred = frames.astype(np.float64) - packed.filter.centre
    # Of a frame and a centroid of the same length L: |c|^2 / 2 + |x||c| = 1.5 L^2, twice on both sides.
    energy: Float64 = np.einsum("fj,fj->f", centred, centred)
    return 6 * packed.filter.int16_error * energy


def int8_candidates(packed: Packed, frames: Float32, reach: Float32) -> NDArray[np.int64]:
    """Return how many centroids int8 cannot tell from one at a squared distance `reach` of a frame: [n]."""
    assert packed.filter is not None
    found = packed.filter
    centred = frames.astype(np.float64) - found.centre
    error = found.int8_error * (np.linalg.norm(centred, axis=1) + found.longest_centred + found.int8_error)
    squared = np.square(found.rows[np.newaxis].astype(np.float64) - frames[:, np.newaxis]).sum(axis=2)
    counts: NDArray[np.int64] = np.count_nonzero(squared <= (reach + 4 * error)[:, np.newaxis], axis=1)
    return counts


def share_in_reach(packed: Packed, frames: Float32, reach: Float32) -> float:
    """Return which share of the blocks have boxes within reach (a squared distance) of a frame: the mean."""
    assert packed.tree is not None
    n = packed.n_values
    boxes = packed.tree.block_boxes.reshape(-1, n, 2, BLOCK)
    lower, upper = (boxes[:, :, side].transpose(0, 2, 1).reshape(-1, n) for side in (0, 1))
    n_blocks = packed.ids.size // BLOCK
    shares = []
    for frame, most in zip(frames, reach, strict=True):
        outside = np.maximum(np.maximum(lower - frame, frame - upper), 0)[:n_blocks]
        shares.append(np.mean(np.einsum("bj,bj->b", outside, outside) <= most))
    return float(np.mean(shares))


def _padded(centroids: Float32, order: NDArray[np.intp]) -> tuple[Float32, Int32]:
    """Rows of zeros, of id -1, fill up the last blocks: the kernels take four at a time."""
    n_padded = -(-len(centroids) // (BLOCKS_MULTIPLE * BLOCK)) * BLOCKS_MULTIPLE * BLOCK
    rows = np.zeros((n_padded, centroids.shape[1]), np.float32)
    ids = np.full(n_padded, -1, np.int32)
    rows[: len(order)] = centroids[order]
    ids[: len(order)] = order
    return rows, ids


def _blocks(rows: Float32) -> Float32:
    return np.ascontiguousarray(rows.reshape(-1, BLOCK, rows.shape[1]).transpose(0, 2, 1)).reshape(-1)


def _filter(centroids: Float32, rows: Float32, ids: Int32) -> Filter:
    n = rows.shape[1]
    exact = rows.astype(np.float64)
    centre = exact[ids >= 0].mean(axis=0).astype(np.float32)
    centred = np.where(ids[:, np.newaxis] >= 0, exact - centre, 0)
    energy, centred_energy = (np.einsum("cj,cj->c", x, x) for x in (exact, centred))
    pairs, steps = _int16(centred, np.sqrt(centred_energy))
    quads, int8_steps, offsets, int8_error = _int8(centred)
    # A dot product of n float32 and what is added to it: (n + 2) roundings at most (Higham, Accuracy
    # and Stability of Numerical Algorithms, 3.1); rounding to steps moves both vectors by half of
    # sqrt(n) steps at most. The rest is for the roundings on the way.
    return Filter(
        rows=centroids,
        half_norms=_half_norms(energy, ids),
        longest=float(np.sqrt(energy.max())),
        float_error=1.01 * (n + 4) * ROUNDOFF,
        centre=centre,
        pairs=pairs,
        steps=steps,
        centred_half_norms=_half_norms(centred_energy, ids),
        longest_centred=float(np.sqrt(centred_energy.max())),
        int16_error=1.05 * np.sqrt(n) / INT16_STEPS + 16 * ROUNDOFF,
        quads=quads,
        int8_steps=int8_steps,
        int8_offsets=offsets,
        int8_error=int8_error,
    )


def _half_norms(energy: Float64, ids: Int32) -> Float32:
    with np.errstate(over="ignore"):
        return np.where(ids >= 0, energy / 2, np.inf).astype(np.float32)


def _int16(rows: Float64, lengths: Float64) -> tuple[Int16, Float32]:
    """Round rows to whole steps of their own: pairs [n_blocks * half * BLOCK * 2], steps [n_rows]."""
    half = (rows.shape[1] + 1) // 2
    steps = (lengths / INT16_STEPS + SMALLEST_STEP).astype(np.float32)
    rounded = np.zeros((len(rows), 2 * half), np.int16)
    rounded[:, : rows.shape[1]] = np.rint(rows / steps[:, np.newaxis])
    pairs = rounded.reshape(-1, BLOCK, 2, half).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(pairs).reshape(-1), steps


def _int8(rows: Float64) -> tuple[Int8, Float32, Int32, float]:
    """Round rows to whole steps of their own: quads, steps, offsets, the largest length of what is lost."""
    quarter = (rows.shape[1] + 3) // 4
    steps = (np.abs(rows).max(axis=1) / INT8_STEPS + SMALLEST_STEP).astype(np.float32)
    rounded = np.zeros((len(rows), 4 * quarter), np.int8)
    rounded[:, : rows.shape[1]] = np.rint(rows / steps[:, np.newaxis])
    lost = rows - rounded[:, : rows.shape[1]] * steps[:, np.newaxis].astype(np.float64)
    quads = rounded.reshape(-1, BLOCK, 4, quarter).transpose(0, 3, 1, 2)
    offsets = -128 * rounded.sum(axis=1, dtype=np.int32)
    longest = 1.0001 * float(np.sqrt(np.einsum("cj,cj->c", lost, lost).max()))
    return np.ascontiguousarray(quads).reshape(-1), steps, offsets, longest


def _tree_order(centroids: Float32) -> NDArray[np.intp]:
    """Halve at the median of the widest-spread value, again and again, down to blocks.

    Groups are whole: a half of more than one group is a number of groups.
    """
    order = np.arange(len(centroids))
    waiting = [(0, len(order))]
    while waiting:
        start, end = waiting.pop()
        n_blocks = -(-(end - start) // BLOCK)
        if n_blocks <= 1:
            continue
        left = n_blocks // 2 if n_blocks <= BLOCK else max(BLOCK, n_blocks // 2 // BLOCK * BLOCK)
        middle = start + left * BLOCK
        part = order[start:end]
        values = centroids[part]
        along = values[:, values.var(axis=0, dtype=np.float64).argmax()]
        order[start:end] = part[np.argpartition(along, middle - start)]
        waiting += [(start, middle), (middle, end)]
    return order


def _bounds(rows: Float32, ids: Int32) -> tuple[Float32, Float32]:
    """Return the smallest and the largest values in every block: [n_blocks, n_values] each."""
    there = (ids >= 0).reshape(-1, BLOCK, 1)
    blocks = rows.reshape(-1, BLOCK, rows.shape[1])
    return np.where(there, blocks, np.inf).min(axis=1), np.where(there, blocks, -np.inf).max(axis=1)


def _by_blocks(bounds: Float32, fill: float) -> Float32:
    n_missing = -len(bounds) % BLOCK
    filled = np.pad(bounds, ((0, n_missing), (0, 0)), constant_values=fill)
    return filled.reshape(-1, BLOCK, bounds.shape[1]).astype(np.float32)


def _group_bounds(lower: Float32, upper: Float32) -> tuple[Float32, Float32]:
    return _by_blocks(lower, np.inf).min(axis=1), _by_blocks(upper, -np.inf).max(axis=1)


def _boxes(lower: Float32, upper: Float32) -> Float32:
    """Return boxes in groups: [ceil(n / BLOCK)][n_values][2][BLOCK]."""
    both = np.stack([_by_blocks(lower, np.inf), _by_blocks(upper, -np.inf)])
    return np.ascontiguousarray(both.transpose(1, 3, 0, 2)).reshape(-1)
