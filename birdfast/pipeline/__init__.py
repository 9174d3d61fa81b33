"""From sound to detections: the only place where the stages meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from time import thread_time
from typing import Any

import numpy as np

from .. import audio, models
from ..arrays import Float32
from ..config import Options, Resampler
from ..errors import AudioError, ConfigError, ModelError
from ..outcomes import Detection, Outcome, Part
from . import stretches
from .ear import Scored
from .listener import Listener
from .onepass import one_pass
from .stretches import Share
from .transcript import Transcript, complete, failure_of, hear

__all__ = ["Pipeline", "Scored"]

Sound = str | os.PathLike[str] | Float32


class Pipeline:
    """Models and the options of a run, loaded once: from then on only sound goes in.

    Several threads may use one: each is given a session of its own while it asks.

    Parameters
    ----------
    model : models.Model or sequence of them
        Several hear the same sound in one pass: a recording is decoded once.
    options : Options

    Raises
    ------
    ModelError
        A network or its labels cannot be used.
    ConfigError
        The options do not fit a network, or two models have one name.

    Attributes
    ----------
    listeners : tuple of Listener
        One for each model, in the order in which they were given.
    """

    def __init__(self, model: models.Model | Sequence[models.Model], options: Options | None = None) -> None:
        self.options = options or Options()
        every = (model,) if isinstance(model, models.Model) else tuple(model)
        models.check_several(every)
        self.listeners = tuple(Listener(one, self.options, number) for number, one in enumerate(every))

    @property
    def widths(self) -> list[dict[str, int]]:
        """How many values a model's dense row has, for each kind that the options keep."""
        return [listener.widths for listener in self.listeners]

    def detect(self, sound: Sound, rate_hz: int | None = None) -> list[Detection]:
        """Return what is heard in a recording, or in sound that is already in memory.

        Parameters
        ----------
        sound : path or float32 [n]
            A file, or mono samples in -1..1.
        rate_hz : int
            The rate of samples in memory; a file knows its own.

        Returns
        -------
        list of Detection
            Model by model; by time, and the most confident first within a window.

        Raises
        ------
        AudioError
            The sound cannot be read, is not finite, or is no mono array of floats.
        ModelError
            A network's scores are not finite.
        """
        name = "" if isinstance(sound, np.ndarray) else os.fspath(sound)
        found: list[list[Detection]] = [[] for _ in self.listeners]
        for listener, scored in self._listen(self.listeners, sound, rate_hz):
            found[listener.number] += listener.named(name, listener.pick(scored))
        return [detection for one in found for detection in sorted(one, key=lambda row: row.start_s)]

    def embed(self, sound: Sound, rate_hz: int | None = None, model: str | None = None) -> Float32:
        """Return the embedding of each window: float32 [n_windows, d]; arguments as `score`.

        Raises
        ------
        AudioError, ConfigError
            As `score`.
        ModelError
            The network has no embedding to show, or runs as it is (`graft=False`).
        """
        listener = self.listener(model)
        found = [listener.embedding(scored) for scored in self.score(sound, rate_hz, model)]
        return np.concatenate([np.zeros((0, listener.embedding_size), np.float32), *found])

    def score(self, sound: Sound, rate_hz: int | None = None, model: str | None = None) -> Iterator[Scored]:
        """Yield a network's outputs for batch after batch of windows.

        Parameters
        ----------
        sound, rate_hz
            As `detect`.
        model : str or None
            The model's name; needed where there are several.

        Raises
        ------
        AudioError
            As `detect`.
        ConfigError
            There is no model of that name, or there are several and none is named.
        """
        for _, scored in self._listen([self.listener(model)], sound, rate_hz):
            yield scored

    def listener(self, model: str | None = None) -> Listener:
        """Return a model's listener by its name; None is the only one's."""
        names = [listener.model.name for listener in self.listeners]
        if model is None and len(names) == 1:
            return self.listeners[0]
        if model not in names:
            raise ConfigError(f"model: {model!r} does not fit; it takes {', '.join(names)}")
        return self.listeners[names.index(model)]

    def analyse(
        self,
        path: str,
        stretch: int = 0,
        send: Callable[[Part], object] = lambda part: None,
        alive: Callable[[], object] = lambda: None,
        only: Collection[int] | None = None,
    ) -> Outcome:
        """Analyse one stretch of a file; what goes wrong becomes part of the outcome.

        Parameters
        ----------
        path : str
        stretch : int
            The first is 0; every outcome says how many there are.
        send : callable of Part
            Takes the dense rows that the options keep, as they arise.
        alive : callable
            Is called after every batch of windows: there is progress.
        only : collection of int or None
            The numbers of the models that are to listen; None is all.
        """
        outcome = Outcome(stretch)
        listeners = [listener for listener in self.listeners if only is None or listener.number in only]
        transcripts = [Transcript(path, stretch, listener, send, alive) for listener in listeners]
        outcome.heard = [transcript.heard for transcript in transcripts]
        known: dict[str, Any] = {}
        began_s = thread_time()
        try:
            with audio.Recording(path, self.options.channel, self.options.resampler) as recording:
                outcome.reading_s = thread_time() - began_s
                known |= {"rate_hz": recording.rate_hz, "duration_s": recording.duration_s or None}
                for transcript in transcripts:
                    transcript.n_channels = len(recording.channels)
                grids = [listener.grid_at(recording.rate_hz) for listener in listeners]
                outcome.n_stretches, shares = stretches.share(recording, grids, stretch)
                try:
                    with one_pass(recording, listeners, shares) as passing:
                        hear(passing, transcripts, outcome)
                finally:
                    outcome.notes += [*recording.notes, *recording.remarks()]  # some are found on the way
                covered = zip(transcripts, shares, strict=True)
                outcome.audio_s = max(transcript.covered_s(recording, share) for transcript, share in covered)
        except (AudioError, ModelError, MemoryError) as error:
            outcome.failure = failure_of(path, error)
        for transcript in transcripts:
            transcript.finish()
        if outcome.failure is not None:
            outcome.audio_s = max(transcript.heard_s() for transcript in transcripts)
        complete(outcome, known)
        return outcome

    def _listen(
        self, listeners: Sequence[Listener], sound: Sound, rate_hz: int | None
    ) -> Iterator[tuple[Listener, Scored]]:
        """Yield the windows of a whole recording, or of sound in memory, as each listener scores them."""
        if isinstance(sound, np.ndarray):
            for listener in listeners:
                grid = listener.grid_at(rate_hz or 0)
                samples = _checked(sound, rate_hz, grid.rate_hz, self.options.resampler)
                with listener.ears(grid, 0, grid.count(len(samples))) as (ear,):
                    for scored in chain(ear.hear(samples), ear.end()):
                        yield listener, scored
            return
        with audio.Recording(sound, self.options.channel, self.options.resampler) as recording:
            grids = [listener.grid_at(recording.rate_hz) for listener in listeners]
            shares = [Share(0, stretches.count(recording, grid)) for grid in grids]
            with one_pass(recording, listeners, shares) as passing:
                failure: AudioError | None = None
                try:
                    for place, block in passing.blocks():
                        for scored in place.ear.hear(block):
                            yield listeners[place.listener], scored
                except AudioError as error:
                    failure = error
                for place in passing.places:
                    for scored in place.ear.end(whole=failure is not None):
                        yield listeners[place.listener], scored
                if failure is not None:
                    raise failure


def _checked(samples: Float32, rate_hz: int | None, wanted_hz: int, resampler: Resampler) -> Float32:
    """Return sound that is already in memory at the rate at which it is cut."""
    if rate_hz is None or not audio.MIN_RATE_HZ <= rate_hz <= audio.MAX_RATE_HZ:
        raise AudioError(
            f"samples need their rate_hz, {audio.MIN_RATE_HZ} to {audio.MAX_RATE_HZ}; it is {rate_hz}"
        )
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise AudioError(f"samples are {samples.dtype} {list(samples.shape)}; mono floats [n] are wanted")
    if not np.isfinite(samples).all():
        raise AudioError(f"sample {int(np.argmin(np.isfinite(samples)))} is NaN or infinite")
    return audio.resample(samples.astype(np.float32, copy=False), rate_hz, wanted_hz, resampler)
