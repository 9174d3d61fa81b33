"""From sound to detections: the only place where the stages meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from time import thread_time

import numpy as np

from .. import audio, models
from ..arrays import Float32
from ..config import Options, check, several
from ..errors import AudioError, BirdfastError, ModelError
from ..outcomes import Detection, Outcome, Part
from . import recorded, samples, stretches
from .ear import Scored
from .listener import Listener, Role, check_one_channel
from .onepass import listening, one_pass, whole
from .remarks import Tell, remarked, warned
from .samples import Sound
from .showing import Showing
from .transcript import Transcript, complete, count, covered_s, failure_of, hear, in_order

__all__ = ["Pipeline", "Scored", "Sound"]


class Pipeline:
    """Models and the options of a run, loaded once: from then on only sound goes in.

    Several threads may use one: each is given a session of its own while it asks. Who asks is warned of each
    remark on a recording, once (`RecordingWarning`): what was repaired, what is lost, a nearly silent mix.

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
        self.options = Options() if options is None else options
        check(isinstance(self.options, Options), "options", options, "birdfast.config.Options, or None")
        one = isinstance(model, models.Model)
        every = (model,) if one else several("model", model, "models.Model, or several")
        models.check_several(every)
        self.listeners = listening(every, self.options)
        self._showing = Showing(self.options)

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
            The sound cannot be read to its end, is not finite, or is no mono array of floats.
        ModelError
            A network's scores are not finite.

        The error's `detections` are what was heard up to there.
        """
        name = samples.name_of(sound)
        found: list[list[Detection]] = [[] for _ in self.listeners]
        with warned(name) as tell:
            try:
                for listener, scored in self._listen(self.listeners, sound, rate_hz, tell):
                    found[listener.number] += listener.named(name, listener.pick(listener.kept(scored)))
            except BirdfastError as error:
                error.detections = in_order(found)
                raise
        return in_order(found)

    def embed(
        self, sound: Sound, rate_hz: int | None = None, model: str | None = None, *, role: Role = "embedding"
    ) -> Float32:
        """Return the embedding of each window: float32 [n_windows, d]; arguments as `score`.

        The "spatial_embedding" has a vector for each place of a window's picture: of Perch 2 float32
        [n_windows, 16, 4, 1536], 393 KB a window, 283 MB an hour. `score` yields it flat, batch by batch.

        Raises
        ------
        AudioError, ConfigError, ModelError
            As `score`; channels are each heard by themselves (`channel="each"`); or there is none to show.
        """
        check_one_channel(self.options)
        listener = self._showing(role, self.listener(model))
        shape = listener.embedding_shape(role)
        with warned(samples.name_of(sound)) as tell:
            every = self._listen([listener], sound, rate_hz, tell)
            found = [listener.embedding(scored, role) for _, scored in every]
        return np.concatenate([np.zeros((0, *shape), np.float32), *found])

    def score(
        self, sound: Sound, rate_hz: int | None = None, model: str | None = None, *, role: Role = "embedding"
    ) -> Iterator[Scored]:
        """Yield a network's outputs for batch after batch of windows, each of one channel.

        Of a `Scored`: `start_s`, `outputs` ("logits", "embedding": a row a window), `channel`, `n_mute`.

        Parameters
        ----------
        sound, rate_hz : as `detect`
        model : str or None
            The model's name; needed where there are several.
        role : "embedding" or "spatial_embedding"
            The second is among the outputs only if it is asked for.

        Raises
        ------
        AudioError, ModelError, ConfigError
            As `detect`; there is no such role or model; or there are several and none is named.
        """
        listener = self._showing(role, self.listener(model))
        return self._scored(listener, sound, rate_hz, samples.name_of(sound))

    def listener(self, model: str | None = None) -> Listener:
        """Return a model's listener by its name; None is the only one's."""
        return self.listeners[models.place_of([listener.model.name for listener in self.listeners], model)]

    def analyse(
        self,
        path: str,
        stretch: int = 0,
        send: Callable[[Part], object] = lambda part: None,
        alive: Callable[[], object] = lambda: None,
        only: Collection[int] | None = None,
        kinds: Collection[str] | None = None,
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
        kinds : collection of str or None
            The dense rows to send ("logits", "scores", "embeddings"); None is detections and what is kept.
        """
        outcome = Outcome(stretch, told=None if stretch else "")
        listeners = self._chosen(only)
        tell = outcome.notes.append
        transcripts = [Transcript(path, stretch, one, send, alive, kinds, tell) for one in listeners]
        outcome.heard = [transcript.heard for transcript in transcripts]
        try:
            outcome.told = None if stretch else recorded.told(path)
            began_s = thread_time()
            with self._opened(path, tell) as recording:
                outcome.reading_s = thread_time() - began_s
                outcome.rate_hz, outcome.duration_s = recording.rate_hz, recording.duration_s or None
                for transcript in transcripts:
                    transcript.open(recording)
                grids = [listener.grid_at(recording.pace.heard_hz) for listener in listeners]
                outcome.decoder = recording.decoder
                outcome.n_stretches, shares = stretches.share(recording, grids, stretch)
                with one_pass(recording, listeners, shares) as passing:
                    hear(passing, transcripts, outcome)
                outcome.audio_s = covered_s(transcripts, recording, shares)
                outcome.duration_s = outcome.duration_s or (recording.n_decoded or 0) / recording.rate_hz
        except (AudioError, ModelError, MemoryError) as error:
            outcome.failure = failure_of(path, error)
        for transcript in transcripts:
            transcript.finish()
        if outcome.failure is not None:
            outcome.audio_s = max(transcript.heard_s() for transcript in transcripts)
        complete(outcome)
        return outcome

    def analyse_samples(
        self,
        sound: Float32,
        rate_hz: int,
        send: Callable[[Part], object] = lambda part: None,
        alive: Callable[[], object] = lambda: None,
        only: Collection[int] | None = None,
        kinds: Collection[str] | None = None,
    ) -> Outcome:
        """Analyse sound in memory, float32 [n], in one stretch, as `analyse` does a file.

        Parameters
        ----------
        sound, rate_hz, send, alive, only, kinds
            As `detect` and `analyse`; the sound is mono, and finite (`samples.check`).
        """
        outcome = Outcome(audio_s=len(sound) / rate_hz)
        tell, every = outcome.notes.append, self._chosen(only)
        transcripts = {one: Transcript(samples.NAME, 0, one, send, alive, kinds, tell) for one in every}
        counted = partial(count, transcripts, outcome)
        with samples.heard(every, sound, rate_hz, counted) as turns:
            for listener, batches in turns:
                transcripts[listener].take(batches)
        outcome.heard = [transcript.finish() for transcript in transcripts.values()]
        return outcome

    def _chosen(self, only: Collection[int] | None) -> list[Listener]:
        return [listener for listener in self.listeners if only is None or listener.number in only]

    def _opened(self, path: str | os.PathLike[str], tell: Tell) -> audio.Recording:
        how = self.options
        return audio.Recording(path, how.channel, how.resampler, how.max_hours, tell, how.speed)

    def _scored(self, listener: Listener, sound: Sound, rate_hz: int | None, name: str) -> Iterator[Scored]:
        with warned(name) as tell:
            for _, scored in self._listen([listener], sound, rate_hz, tell):
                yield scored

    def _listen(
        self, listeners: Sequence[Listener], sound: Sound, rate_hz: int | None, tell: Tell
    ) -> Iterator[tuple[Listener, Scored]]:
        """Yield the windows of a whole recording, or of sound in memory, as each listener scores them."""
        if isinstance(sound, np.ndarray):
            checked, rate = samples.check(sound, rate_hz)
            with samples.heard(listeners, checked, rate) as turns:
                for listener, batches in turns:
                    yield from remarked(listener, batches, tell)
            return
        with self._opened(sound, tell) as recording:
            for listener, batches in whole(recording, listeners):
                yield from remarked(listener, batches, tell)
