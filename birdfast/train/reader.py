"""Reader: recordings through a model's front end, as frames, sentences of tokens, and windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import bars, windows
from ..arrays import Float32
from ..errors import AudioError, ConfigError
from ..modelfolder import Arrays
from ..stsg import pooling
from ..stsg.tokenizer import Tokenizer
from ..tokens import Codebook
from .background import Heard, Quiet, quiet
from .examples import Examples, Votes
from .recipe import Recipe

Result = TypeVar("Result")
Source = TypeVar("Source", bound="Readable")
AHEAD = 8  # recordings a worker that are read before they are wanted


@dataclass(frozen=True)
class Reader:
    """Reads clips for a recipe, on threads.

    Parameters
    ----------
    recipe : Recipe
    found : dict of str to array
        What is known of the codebook: "mean" and "projection" of a whitening, "centroids".
    failures : dict of str to str
        Gets the name of each clip that cannot be read, and why; it is left out.
    remarks : dict of str to None
        Gets what is to be known of those that are read.
    n_workers : int
    bar : bool
        Show how far it is, on a terminal.
    """

    recipe: Recipe
    found: Arrays
    failures: dict[str, str]
    remarks: dict[str, None]
    n_workers: int = 1
    bar: bool = False

    @property
    def tokenizer(self) -> Tokenizer:
        """The front end, with the whitening as far as it is known."""
        return Tokenizer(self.recipe.frontend, self.found.get("mean"), self.found.get("projection"))

    def patches(self, clips: Sequence[Heard]) -> Iterator[Float32]:
        """Yield all patches of clips, before any whitening, block by block: float32 [n, n_values].

        Raises
        ------
        ConfigError
            There are none: no clip can be read, or all are too short.
        """
        tokenizer = self.tokenizer

        def patches(clip: Heard) -> list[Float32]:
            return [tokenizer.patches(tokenizer.bands(block)) for block in self._blocks(clip)]

        n_patches = 0
        for _, parts in self._each(clips, patches):
            n_patches += sum(map(len, parts))
            yield from parts
        if n_patches == 0:
            raise self._nothing(clips, "frame")

    def frames(self, clips: Sequence[Heard], at_most: int) -> Float32:
        """Return frames for a codebook, all or evenly spread ones of each recording: float32 [n, n_values].

        Raises
        ------
        ConfigError
            There are none: no clip can be read, or all are too short.
        """
        tokenizer, quota = self.tokenizer, max(1, at_most // len(clips))
        none = np.zeros((0, tokenizer.n_values), np.float32)

        def frames(clip: Heard) -> Float32:
            parts = tokenizer.stream(self._blocks(clip))
            found: Float32 = np.concatenate([none, *parts])
            return found[:: max(1, -(-len(found) // quota))].copy()  # a view would keep all of them

        found: Float32 = np.concatenate([none, *(part for _, part in self._each(clips, frames))])
        if len(found) == 0:
            raise self._nothing(clips, "frame")
        return found

    def sentences(self, clips: Sequence[Heard]) -> list[NDArray[np.int32]]:
        """Return each recording's tokens: int32 [n]."""
        tokenizer, book = self.tokenizer, Codebook(self.found["centroids"])

        def tokens(clip: Heard) -> NDArray[np.int32]:
            parts = tokenizer.stream(self._blocks(clip))
            return np.concatenate([np.zeros(0, np.int32), *(book.assign(part) for part in parts)])

        return [one for _, one in self._each(clips, tokens)]

    def examples(self, clips: Sequence[Heard], classes: Sequence[str]) -> Examples:
        """Return the windows of clips, with their labels.

        Raises
        ------
        ConfigError
            No clip can be read, or all are too short.
        """
        tokenizer, book = self.tokenizer, Codebook(self.found["centroids"])
        rate_hz = self.recipe.frontend.rate_hz
        length = round(self.recipe.window_s * rate_hz)
        grid = windows.Grid(rate_hz, length, length, "min-1s")

        def describe(clip: Heard) -> list[Votes]:
            cut = windows.cut(self._blocks(clip), grid, None, 1)
            every = [tokenizer.bands(window) for (window,) in cut]
            every = [quiet(bands) for bands in every] if isinstance(clip, Quiet) else every
            nearest = self.recipe.pooling.n_nearest
            return [Votes.of(pooling.of_bands(bands, tokenizer, book, nearest)) for bands in every]

        described = [(number, window) for number, some in self._each(clips, describe) for window in some]
        if not described:
            raise self._nothing(clips, "window")
        targets = np.array([[name in clip.labels for name in classes] for clip in clips])
        clip = np.array([number for number, _ in described])
        return Examples([window for _, window in described], len(book), targets[clip], clip)

    def _blocks(self, clip: Heard) -> Iterator[Float32]:
        return clip.blocks(self.recipe.frontend.rate_hz, self.remarks.setdefault)

    def _nothing(self, clips: Sequence[Heard], what: str) -> ConfigError:
        """Return the refusal of clips that give not one frame or window; first of those that are no sound."""
        if all(clip.name in self.failures for clip in clips):
            return ConfigError("no recording can be read: there is nothing to learn from")
        return ConfigError(f"nothing to learn from: what can be read is all shorter than a {what}")

    def _each(self, clips: Sequence[Heard], work: Callable[[Heard], Result]) -> Iterator[tuple[int, Result]]:
        return each(clips, work, self.failures, n_workers=self.n_workers, bar=self.bar)


class Readable(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """What is read, by which its failure is kept."""


def each(
    clips: Sequence[Source],
    work: Callable[[Source], Result],
    failures: dict[str, str],
    *,
    n_workers: int = 1,
    bar: bool = False,
) -> Iterator[tuple[int, Result]]:
    """Do the work for clip after clip on threads, in their order, not far ahead of who takes the results.

    Parameters
    ----------
    clips : sequence of Clip, or of what else can be read
    work : callable
    failures : dict of str to str
        Gets the name of each clip that cannot be read, and why; it is left out.
    n_workers : int
    bar : bool
        Show how far it is, on a terminal.

    Yields
    ------
    number, result : int, and what the work returned
    """

    def attempt(clip: Source) -> Result | AudioError:
        try:
            return work(clip)
        except AudioError as error:
            return error

    with bars.of_recordings(len(clips), shown=bar) as shown, ThreadPoolExecutor(n_workers) as threads:
        some = n_workers * AHEAD
        for begin in range(0, len(clips), some):
            for number, result in enumerate(threads.map(attempt, clips[begin : begin + some]), begin):
                shown.update()
                if isinstance(result, AudioError):
                    failures[clips[number].name] = str(result)
                else:
                    yield number, result
