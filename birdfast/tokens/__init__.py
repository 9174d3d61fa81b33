"""Tokens: the nearest of a codebook's centroids for every frame, exactly, and the same on every CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _kernels, sources
from ..arrays import Float32, Int32
from ..config import path as checked_path
from ..config import whole
from ..config.checks import floats, output
from ..errors import ConfigError, ModelError
from . import packing

MAX_VALUES = _kernels.MAX_VALUES
MAX_NEAREST = _kernels.MAX_NEAREST
SEARCHES = tuple(_kernels.SEARCHES)

# The filters work with squared lengths, which overflow beyond: there every distance is computed.
LONGEST = 1e18
# A tree pays from some size on, and where few boxes are near (measured: bench/test_nearest.py).
TREE_CENTROIDS = 1024
TREE_SHARE = 0.15
# Vectors rounded to int16 tell centroids apart that are this much further away than the nearest.
BLUR_SHARE = 0.05
# Vectors rounded to int8 pay while they leave no more than so many whose distances must be computed.
INT8_CANDIDATES = 12
SAMPLE = 64


class Codebook:
    """Centroids, ready to be searched.

    The squared distance of a frame x from a centroid c is sum_j (x[j] - c[j])^2 in float32, added
    up from the first value to the last. The nearest centroid is the one where this very number is
    smallest, and of equal ones the one that comes first: the same on every CPU, by every search.

    Parameters
    ----------
    centroids : float32 [n_centroids, n_values]
        Finite values; 1 to 512 of them each.
    search : "all", "float", "int16", "int8", "tree" or None
        How to look for the nearest, which changes the time and nothing else. None chooses: "tree"
        (boxes around groups of centroids) where few groups are near to a frame, otherwise "int8" or
        "int16" (filters of rounded vectors; int8 is for the nearest alone and CPUs with AVX-512 VNNI,
        and int16 in its place elsewhere) or "float" (one of float32). "all" computes every
        distance, as the filters do where squares would overflow.
    cpu : str or None
        A table of kernels (`_kernels.cpu_tables()`); None is the fastest.

    Raises
    ------
    ConfigError
        Centroids of another shape, or with values that are not finite.
    """

    def __init__(self, centroids: ArrayLike, *, search: str | None = None, cpu: str | None = None) -> None:
        self.centroids = _checked(centroids)
        if not (search is None or (isinstance(search, str) and search in SEARCHES)):
            raise ConfigError(f"search: {search!r} is none of {', '.join(SEARCHES)}")
        self.search = search or _choose(self.centroids)
        if self.search in ("float", "int16", "int8") and _longest(self.centroids) > LONGEST:
            self.search = "all"
        tree = self.search == "tree"
        packed = packing.by_place(self.centroids) if tree else packing.in_order(self.centroids)
        self._kernel = _kernels.CentroidSearch(packed, search=self.search, cpu=cpu)

    def __len__(self) -> int:
        return len(self.centroids)

    @property
    def n_values(self) -> int:
        """Values of a frame."""
        return int(self.centroids.shape[1])

    def assign(self, frames: ArrayLike, out: Int32 | None = None) -> Int32:
        """Return the token of every frame: the number of its nearest centroid.

        Parameters
        ----------
        frames : float32 [n, n_values]
        out : int32 [n], contiguous, or None
            Where to write the tokens; with it, and frames that are contiguous, nothing is allocated.

        Returns
        -------
        int32 [n]
            -1 for a frame with a NaN or an infinity in it.

        Raises
        ------
        ConfigError
            Frames or `out` of another shape or type, or in the same memory.
        """
        frames = self._frames(frames)
        tokens = _output(out, (len(frames),), np.int32, frames)
        self._kernel.run(frames, tokens.reshape(-1, 1))
        return tokens

    def nearest(
        self, frames: ArrayLike, n: int, out: tuple[Int32, Float32] | None = None
    ) -> tuple[Int32, Float32]:
        """Return the n nearest centroids of every frame, and their squared distances.

        Parameters
        ----------
        frames : float32 [n_frames, n_values]
        n : int, 1 to 8
        out : (int32 [n_frames, n], float32 [n_frames, n]), contiguous, or None

        Returns
        -------
        tokens : int32 [n_frames, n]
            Nearest first, of equal distances the lowest. -1 where the codebook has fewer than n
            centroids, and for a frame with a NaN or an infinity in it.
        distances : float32 [n_frames, n]
            Squared; +inf where the token is -1.

        Raises
        ------
        ConfigError
            n out of its range, or frames or `out` of another shape or type, or in the same memory.
        """
        n = whole("n", n, 1, MAX_NEAREST)
        frames = self._frames(frames)
        if not (out is None or (isinstance(out, tuple | list) and len(out) == 2)):
            raise ConfigError(
                f"out is a {type(out).__name__}: must be a pair of arrays, for tokens and distances"
            )
        tokens, distances = (None, None) if out is None else out
        tokens = _output(tokens, (len(frames), n), np.int32, frames)
        distances = _output(distances, (len(frames), n), np.float32, frames, tokens)
        self._kernel.run(frames, tokens, distances)
        return tokens, distances

    def save(self, path: str | Path) -> None:
        """Write the centroids as a .npy file, which NumPy and faiss' users read."""
        with Path(checked_path("path", path)).open("wb") as file:
            np.save(file, self.centroids, allow_pickle=False)

    @classmethod
    def load(cls, path: str | Path, *, search: str | None = None, cpu: str | None = None) -> Codebook:
        """Read a codebook from a .npy file of float32 [n_centroids, n_values].

        Raises
        ------
        ModelError
            The file is missing or damaged, or holds something else; the message says what.
        """
        path = checked_path("path", path)
        centroids = sources.array(path, sources.read(path, ModelError), ModelError)
        try:
            return cls(centroids, search=search, cpu=cpu)
        except ConfigError as error:
            raise ModelError(f"{path}: {error}") from error

    def _frames(self, frames: ArrayLike) -> Float32:
        found: Float32 = floats("frames", frames)
        if found.ndim != 2 or found.shape[1] != self.n_values:
            raise ConfigError(f"frames of shape {found.shape}: [n, {self.n_values}] fits this codebook")
        return found


def _checked(centroids: ArrayLike) -> Float32:
    """Return the centroids as an array of their own that nobody can write to."""
    try:
        array = np.asarray(centroids)
    except ValueError as error:
        raise ConfigError(f"centroids: {error}") from error
    if array.ndim != 2 or 0 in array.shape or array.shape[1] > MAX_VALUES or array.dtype.kind != "f":
        raise ConfigError(
            f"centroids: {array.dtype} of shape {array.shape}; "
            f"floats [1 or more, 1 to {MAX_VALUES} values] make a codebook"
        )
    with np.errstate(over="ignore"):
        own = np.array(array, np.float32, order="C")
    if not np.isfinite(own).all():
        row = int(np.flatnonzero(~np.isfinite(own).all(axis=1))[0])
        raise ConfigError(f"centroids: number {row} has a value that is not finite")
    own.flags.writeable = False
    return own


def _longest(centroids: Float32) -> float:
    return float(np.linalg.norm(centroids.astype(np.float64), axis=1).max())


def _choose(centroids: Float32) -> str:
    """Choose by the centroids alone, so that every CPU searches in the same way."""
    if _longest(centroids) > LONGEST:
        return "all"
    packed = packing.in_order(centroids)
    if len(centroids) < 2:
        return "int16"
    # Some centroids stand for frames, their nearest neighbours' distance for a frame's own.
    sample = centroids[:: -(-len(centroids) // SAMPLE)].copy()
    tokens, distances = np.empty((len(sample), 2), np.int32), np.empty((len(sample), 2), np.float32)
    _kernels.CentroidSearch(packed, search="float").run(sample, tokens, distances)
    reach = distances[:, 1]
    if len(centroids) >= TREE_CENTROIDS:
        share = packing.share_in_reach(packing.by_place(centroids), sample, reach)
        if share < TREE_SHARE:
            return "tree"
    if np.median(packing.int8_candidates(packed, sample, reach)) <= INT8_CANDIDATES:
        return "int8"
    return "int16" if np.median(packing.blur(packed, sample) - BLUR_SHARE * reach) <= 0 else "float"


def _output(
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: type, *sources: NDArray[Any]
) -> NDArray[Any]:
    if out is None:
        return np.empty(shape, dtype)
    output(shape, dtype, out, *sources)
    if not out.flags.c_contiguous:
        raise ConfigError(f"out: {out.dtype} {out.shape} with gaps; a contiguous array fits here")
    return out
