"""What the constructors' tables mean, in NumPy's float64: their twins.

Sines of multiples of pi that are 0 come out as 1e-16 here, as pi itself is rounded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
BLOCK, BLOCKS_MULTIPLE, INT16_STEPS, INT8_STEPS = 16, 4, 32700, 127
CORE_POINTS = 8
TERMS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08), "boxcar": (1.0,)}


def window(kind: str, n: int) -> Float64:
    """Periodic cosine windows."""
    angle = 2 * np.pi / n * np.arange(n)
    return np.asarray(np.sum([(-1) ** k * a * np.cos(k * angle) for k, a in enumerate(TERMS[kind])], axis=0))


def mel_from_hz(hz: float, scale: str) -> float:
    if scale == "htk":
        return 2595 * math.log10(1 + hz / 700)
    return hz / (200 / 3) if hz < 1000 else 15 + math.log(hz / 1000) / (math.log(6.4) / 27)


def mel_to_hz(mel: Float64, scale: str) -> Float64:
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    return np.where(mel < 15, mel * (200 / 3), 1000 * np.exp(math.log(6.4) / 27 * np.maximum(mel - 15, 0)))


def mel_filters(
    rate_hz: float, n_fft: int, n_mels: int, low_hz: float, high_hz: float, scale: str, normalize: bool
) -> Float64:
    """Triangles with corners that are evenly spaced in mel: [n_mels, n_fft // 2 + 1]."""
    mels = np.linspace(mel_from_hz(low_hz, scale), mel_from_hz(high_hz, scale), n_mels + 2)
    corners_hz = mel_to_hz(mels, scale)
    bins_hz = np.arange(n_fft // 2 + 1) * (rate_hz / n_fft)
    width_hz = np.diff(corners_hz)
    rising = (bins_hz - corners_hz[:-2, None]) / width_hz[:-1, None]
    falling = (corners_hz[2:, None] - bins_hz) / width_hz[1:, None]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return weights * (2.0 / (corners_hz[2:] - corners_hz[:-2]))[:, None] if normalize else weights


def dct(n_rows: int, n_columns: int) -> Float64:
    k = np.arange(n_rows)[:, None]
    rows = np.cos(np.pi / n_columns * (np.arange(n_columns) + 0.5) * k) * math.sqrt(2.0 / n_columns)
    rows[0] *= math.sqrt(0.5)
    return np.asarray(rows)


def factors(n: int) -> tuple[int, tuple[int, ...]]:
    """Leaf and radices of n points."""
    odd, twos, odds = n, 0, []
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for prime in (3, 5, 7):
        while odd % prime == 0:
            odd //= prime
            odds.append(prime)
    if twos == 0:
        return odds[0], tuple(odds[1:])
    left = next(twos - leaf for leaf in (4, 3, 2, 1) if twos - leaf >= 2 or (twos == leaf and odds))
    fours = -left % 3
    return 2 ** (twos - left), (*odds, *[8] * ((left - 2 * fours) // 3), *[4] * fours)


def leaf_order(n: int, radices: tuple[int, ...]) -> NDArray[np.intp]:
    order = np.arange(n)[np.newaxis]
    for radix in reversed(radices):
        order = np.concatenate([block.reshape(-1, radix).T for block in order])
    return order.reshape(-1)


def twiddles(leaf: int, radices: tuple[int, ...]) -> Float64:
    tables, points = [np.empty(0)], leaf
    for radix in radices:
        k = np.arange(1, (points - 1) // 2 + 1)[:, np.newaxis]
        angle = 2 * np.pi * k * np.arange(1, radix) / (points * radix)
        tables.insert(0, np.stack([np.cos(angle), np.sin(angle)], -1).reshape(-1))
        points *= radix
    return np.concatenate(tables)


def transform(n: int, rows: NDArray[np.integer], weights: Float32) -> dict[str, Any]:
    leaf, radices = factors(n)
    order = leaf_order(n, radices)
    return {"n": n, "leaf": leaf, "radices": radices, "twiddles": twiddles(leaf, radices),
            "rows": rows[order], "window": weights[order]}  # fmt: skip


def plain(n_fft: int, values: Float32) -> dict[str, Any]:
    """A frame under a window, zeros behind."""
    points = np.arange(n_fft)
    rows = np.where(points < values.size, points, 0)
    return transform(n_fft, rows, np.pad(values, (0, n_fft - values.size)))


def core(n_fft: int, values: Float32) -> dict[str, Any]:
    """The dense DCT-I of a folded frame."""
    points = np.arange(CORE_POINTS + 1)
    rows = points * (n_fft // 2 // CORE_POINTS)
    mirror_rows = (n_fft - rows) % n_fft
    weights = np.where(mirror_rows == rows, values[rows] / 2, values[rows])
    matrix = np.cos(np.pi * np.outer(points, points) / CORE_POINTS)
    return {"core_rows": rows, "core_mirror_rows": mirror_rows, "core_window": weights, "core_matrix": matrix}


def odd_points(n_fft: int, values: Float32, n: int) -> dict[str, Any]:
    """The DCT-II that doubles n points of a folded frame, in Makhoul's order."""
    makhoul = np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)[::-1]])
    rows = n_fft // 4 // n * (2 * makhoul + 1)
    made = transform(n, rows, values[rows])
    angle = np.pi * np.arange(1, n // 2 + 1) / (2 * n)
    rotation = np.stack([np.cos(angle), np.sin(angle)], -1).reshape(-1)
    return made | {"mirror_rows": n_fft - made["rows"], "rotation": rotation}


def less_mean(audio: Float32, length: int, hop: int) -> Float32:
    """Frames less their means, [n, length]: float64 sums of stretches that all frames share."""
    count = (audio.size - length) // hop + 1
    piece = audio[: (count - 1) * hop + length]
    stretch = math.gcd(length, hop)
    sums = piece.reshape(-1, stretch).astype(np.float64).sum(axis=1)
    in_frames = np.lib.stride_tricks.sliding_window_view(sums, length // stretch)[:: hop // stretch]
    means = np.ascontiguousarray(in_frames).sum(axis=1) / length
    frames = np.lib.stride_tricks.sliding_window_view(piece, length)[::hop]
    return np.asarray(np.subtract(frames, means.astype(np.float32)[:, None]))


def padded(centroids: Float32, order: NDArray[np.intp]) -> tuple[Float32, NDArray[np.int32]]:
    n_padded = -(-len(centroids) // (BLOCKS_MULTIPLE * BLOCK)) * BLOCKS_MULTIPLE * BLOCK
    rows = np.zeros((n_padded, centroids.shape[1]), np.float32)
    ids = np.full(n_padded, -1, np.int32)
    rows[: len(order)], ids[: len(order)] = centroids[order], order
    return rows, ids


def blocks(rows: Float32) -> Float32:
    return np.ascontiguousarray(rows.reshape(-1, BLOCK, rows.shape[1]).transpose(0, 2, 1)).reshape(-1)


def codebook_filters(centroids: Float32) -> dict[str, Any]:
    """Lengths and rounded vectors of centroids in blocks, as they come."""
    rows, ids = padded(centroids, np.arange(len(centroids)))
    n, exact, there = rows.shape[1], rows.astype(np.float64), ids >= 0
    centre = exact[there].mean(axis=0).astype(np.float32)
    centred = np.where(there[:, np.newaxis], exact - centre, 0)
    energy, centred_energy = (np.square(x).sum(axis=1) for x in (exact, centred))
    half, quarter = (n + 1) // 2, (n + 3) // 4
    steps = (np.sqrt(centred_energy) / INT16_STEPS + 1e-20).astype(np.float32)
    int8_steps = (np.abs(centred).max(axis=1) / INT8_STEPS + 1e-20).astype(np.float32)
    pairs, quads = np.zeros((len(rows), 2 * half), np.int16), np.zeros((len(rows), 4 * quarter), np.int8)
    pairs[:, :n] = np.rint(centred / steps[:, np.newaxis])
    quads[:, :n] = np.rint(centred / int8_steps[:, np.newaxis])
    lost = centred - quads[:, :n] * int8_steps[:, np.newaxis].astype(np.float64)
    return {
        "ids": ids,
        "blocks": blocks(rows),
        "half_norms": np.where(there, energy / 2, np.inf).astype(np.float32),
        "longest": math.sqrt(energy.max()),
        "float_error": 1.01 * (n + 4) * 2.0**-24,
        "centre": centre,
        "pairs": pairs.reshape(-1, BLOCK, 2, half).transpose(0, 3, 1, 2).reshape(-1),
        "steps": steps,
        "centred_half_norms": np.where(there, centred_energy / 2, np.inf).astype(np.float32),
        "longest_centred": math.sqrt(centred_energy.max()),
        "int16_error": 1.05 * math.sqrt(n) / INT16_STEPS + 16 * 2.0**-24,
        "quads": quads.reshape(-1, BLOCK, 4, quarter).transpose(0, 3, 1, 2).reshape(-1),
        "int8_steps": int8_steps,
        "int8_offsets": -128 * quads.sum(axis=1, dtype=np.int32),
        "int8_error": 1.0001 * math.sqrt(np.square(lost).sum(axis=1).max()),
    }


def tree_order(centroids: Float32) -> NDArray[np.intp]:
    """Halve at the median of the widest value, of equal ones the lowest first, down to blocks."""
    order, waiting = np.arange(len(centroids)), [(0, len(centroids))]
    while waiting:
        start, end = waiting.pop()
        part = np.sort(order[start:end])
        n_blocks = -(-(end - start) // BLOCK)
        if n_blocks > 1:
            left = n_blocks // 2 if n_blocks <= BLOCK else max(BLOCK, n_blocks // 2 // BLOCK * BLOCK)
            middle = start + left * BLOCK
            along = centroids[part][:, centroids[part].var(axis=0, dtype=np.float64).argmax()]
            part = part[np.argsort(along, kind="stable")]
            waiting += [(start, middle), (middle, end)]
        order[start:end] = part
    return order


def boxes(rows: Float32, ids: NDArray[np.int32]) -> tuple[Float32, Float32]:
    """The smallest and the largest values in blocks, and in groups of blocks."""
    there = (ids >= 0).reshape(-1, BLOCK, 1)
    parts = rows.reshape(-1, BLOCK, rows.shape[1])
    bounds = [np.where(there, parts, np.inf).min(axis=1), np.where(there, parts, -np.inf).max(axis=1)]
    return _boxes(*bounds), _boxes(
        _grouped(bounds[0], np.inf).min(axis=1), _grouped(bounds[1], -np.inf).max(axis=1)
    )


def _grouped(bounds: NDArray[Any], fill: float) -> NDArray[Any]:
    filled = np.pad(bounds, ((0, -len(bounds) % BLOCK), (0, 0)), constant_values=fill)
    return filled.reshape(-1, BLOCK, bounds.shape[1]).astype(np.float32)


def _boxes(lower: NDArray[Any], upper: NDArray[Any]) -> Float32:
    both = np.stack([_grouped(lower, np.inf), _grouped(upper, -np.inf)])
    return np.ascontiguousarray(both.transpose(1, 3, 0, 2)).reshape(-1)
