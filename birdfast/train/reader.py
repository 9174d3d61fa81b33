"""Reader: recordings through a model's front end, as frames, sentences of tokens, and windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import bars
from ..arrays import Float32
from ..errors import AudioError, ConfigError
from ..modelfolder import Arrays
from ..stsg import streams
from ..stsg.compiled import named
from ..stsg.tokenizer import Tokenizer
from ..stsg.variants import Variant
from ..tokens import Codebook
from .background import Heard, Quiet, quiet_windows
from .bands import Bands, BandStore
from .examples import Examples, Votes
from .mixes import Mixer
from .recipe import Recipe
from .recordings import Clip
from .threads import Threads

Result = TypeVar("Result")
Source = TypeVar("Source", bound="Readable")
SOME_PATCHES = 4096  # whose frames are made at a time
AHEAD = 8  # recordings a worker that are read before they are wanted


@dataclass(frozen=True)
class Reader:
    """Reads clips for a recipe, on threads.

    Parameters
    ----------
    recipe : Recipe
    found : dict of str to array
        What is known of the codebooks: "mean" and "projection" of a whitening, "centroids".
    store : BandStore
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
    store: BandStore
    failures: dict[str, str]
    remarks: dict[str, None]
    n_workers: int = 1
    bar: bool = False

    def patches(self, clips: Sequence[Heard], number: int = 0) -> Iterator[Float32]:
        """Yield all patches of clips, before any whitening, block by block: float32 [n, n_values].

        Parameters
        ----------
        clips : sequence of Clip or Mix
        number : int
            Of the stream of tokens whose patches they are.

        Raises
        ------
        ConfigError
            There are none: no clip can be read, or all are too short.
        """
        tokenizer = self.tokenizer(number)

        def patches(clip: Heard) -> list[Float32]:
            return [tokenizer.patches(part) for part in self._parts(clip, tokenizer)]

        n_patches = 0
        for _, parts in self._each(clips, patches):
            n_patches += sum(map(len, parts))
            yield from parts
        if n_patches == 0:
            raise self._nothing(clips, "frame")

    def frames(self, clips: Sequence[Heard], at_most: int, number: int = 0) -> Float32:
        """Return frames for a codebook, all or evenly spread ones of each recording: float32 [n, n_values].

        Raises
        ------
        ConfigError
            There are none: no clip can be read, or all are too short.
        """
        tokenizer, quota = self.tokenizer(number), max(1, at_most // len(clips))
        none = np.zeros((0, tokenizer.n_values), np.float32)

        def frames(clip: Heard) -> Float32:
            found: Float32 = np.concatenate([none, *self._frames(clip, tokenizer)])
            return found[:: max(1, -(-len(found) // quota))].copy()  # a view would keep all of them

        found: Float32 = np.concatenate([none, *(part for _, part in self._each(clips, frames))])
        if len(found) == 0:
            raise self._nothing(clips, "frame")
        return found

    def sentences(self, clips: Sequence[Heard], number: int = 0) -> list[NDArray[np.int32]]:
        """Return each recording's tokens of a stream: int32 [n]."""
        tokenizer, book = self.tokenizer(number), Codebook(self.found[named("centroids", number)])

        def tokens(clip: Heard) -> NDArray[np.int32]:
            parts = self._frames(clip, tokenizer)
            return np.concatenate([np.zeros(0, np.int32), *(book.assign(part) for part in parts)])

        return [one for _, one in self._each(clips, tokens)]

    def examples(
        self, clips: Sequence[Heard], classes: Sequence[str], variants: Sequence[Variant] = ()
    ) -> Examples:
        """Return the windows of clips, each followed by its variants, with their labels.

        Raises
        ------
        ConfigError
            No clip can be read, or all are too short.
        """
        its = streams.streams(self.recipe.front_ends, self.found)
        front_end, describe = self.recipe.frontend, streams.Describer(its, self.recipe.pooling)

        def described(clip: Heard) -> list[Votes]:
            return [
                Votes.of(describe(bands))
                for window in self.bands(clip).windows()
                for bands in (window, *(variant.of(window, front_end) for variant in variants))
            ]

        found = [(number, window) for number, some in self._each(clips, described) for window in some]
        if not found:
            raise self._nothing(clips, "window")
        targets = np.array([[name in clip.labels for name in classes] for clip in clips])
        clip = np.array([number for number, _ in found])
        n_tokens = sum(len(stream.codebook) for stream in its)
        return Examples([window for _, window in found], n_tokens, targets[clip], clip, 1 + len(variants))

    def tokenizer(self, number: int) -> Tokenizer:
        """Return the front end of a stream, with the whitening as far as it is known."""
        return streams.tokenizer(self.recipe.front_ends, self.found, number)

    def bands(self, clip: Heard) -> Bands:
        """Return the bands of a clip or a mix, or of a clip's quiet parts.

        Raises
        ------
        AudioError
            It cannot be read.
        """
        tell = self.remarks.setdefault
        if isinstance(clip, Quiet):
            return quiet_windows(self.store.of(clip.clip, tell))
        return self.store.of(clip, tell) if isinstance(clip, Clip) else self.mixer.of(clip, tell)

    @cached_property
    def mixer(self) -> Mixer:
        """What makes mixes."""
        return Mixer(self.store, self.recipe.frontend)

    def _parts(self, clip: Heard, tokenizer: Tokenizer) -> Iterator[Float32]:
        """Yield the bands that a clip's tokens are of: all, or window by window where each has its level."""
        bands = self.bands(clip)
        if tokenizer.front_end.less == "none":
            yield bands.whole
        else:
            yield from map(tokenizer.raised, bands.windows())

    def _frames(self, clip: Heard, tokenizer: Tokenizer) -> Iterator[Float32]:
        for part in self._parts(clip, tokenizer):
            patches = tokenizer.patches(part)
            for first in range(0, len(patches), SOME_PATCHES):
                yield tokenizer.frames(patches[first : first + SOME_PATCHES])

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

    with bars.of_recordings(len(clips), shown=bar) as shown, Threads(n_workers) as threads:
        some = n_workers * AHEAD
        for begin in range(0, len(clips), some):
            for number, result in enumerate(threads.map(attempt, clips[begin : begin + some]), begin):
                shown.update()
                if isinstance(result, AudioError):
                    failures[clips[number].name] = str(result)
                else:
                    yield number, result
