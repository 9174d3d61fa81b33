"""From sound to detections: the only place where the stages meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from time import thread_time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import audio, labels, models, windows
from ..arrays import Float32, Rows
from ..config import Options
from ..errors import AudioError, ConfigError, ModelError
from ..outcomes import DETECTION, Detection, Failure, Outcome, Part, row
from ..scores import ScoreRule
from ..sessions import open_session
from ..sessions.session import Arrays
from .listener import Sender

STRETCH_S = 60.0  # a long recording is shared out among the workers in stretches of so much sound
MAX_STRETCHES = (
    256  # or, a very long one, in at most so many of whole minutes: never by the number of workers
)
MAX_SLOW_STRETCHES = 8  # of a file where each has to go through all before it, as an MP3

Sound = str | os.PathLike[str] | Float32


class Scored(NamedTuple):
    """A batch of windows: when they start, and the network's outputs (`Session.run`)."""

    start_s: NDArray[np.float64]
    outputs: Arrays


class Pipeline:
    """A network and the options of a run, loaded once: from then on only sound goes in.

    Parameters
    ----------
    model : models.Model
    options : Options

    Raises
    ------
    ModelError
        The network or its labels cannot be used.
    ConfigError
        The options do not fit the network.

    Attributes
    ----------
    widths : dict of str to int
        How many values a dense row has, for each kind that the options keep.
    """

    def __init__(self, model: models.Model, options: Options | None = None) -> None:
        if not model.found:
            raise ModelError(model.how_to_get())
        self.options = options or Options()
        self.labels = labels.load(model.labels_path, model.labels_format)
        cache = models.cache_folder() if self.options.graft else None
        self.session = open_session(model.path, output=model.output, n_classes=len(self.labels), cache=cache)
        self.model = model.for_input(self.session.window_samples)
        if self.options.sensitivity != 1 and self.model.activation != "sigmoid":
            raise ConfigError(f"sensitivity: {self.model.title} has no sigmoid whose logits it could shift")
        sizes = {"scores": self.session.n_classes, "embeddings": self.session.embedding_size}
        self.widths: dict[str, int] = {kind: sizes[kind] for kind in self.options.keep}
        if not all(self.widths.values()):
            raise self._without_embedding()
        self._network_s = 0.0
        self.grid = _grid(self.model, self.options)
        self.rule = ScoreRule(
            self.model.activation, self.options.min_confidence, self.options.top_k, self.options.sensitivity
        )

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
        list of Detection, by time, and the most confident first within a window

        Raises
        ------
        AudioError
            The sound cannot be read, is not finite, or is no mono array of floats.
        ModelError
            The network's scores are not finite.
        """
        name = "" if isinstance(sound, np.ndarray) else os.fspath(sound)
        found = np.concatenate([np.zeros(0, DETECTION), *map(self._pick, self.score(sound, rate_hz))])
        return list(self.labels.named(name, found))

    def embed(self, sound: Sound, rate_hz: int | None = None) -> NDArray[np.float32]:
        """Return the embedding of each window: float32 [n_windows, d]; arguments as `detect`.

        Raises
        ------
        AudioError
            As `detect`.
        ModelError
            The network has no embedding to show, or runs as it is (`graft=False`).
        """
        found = [self._embedding(scored) for scored in self.score(sound, rate_hz)]
        return np.concatenate([np.zeros((0, self.session.embedding_size), np.float32), *found])

    def score(self, sound: Sound, rate_hz: int | None = None) -> Iterator[Scored]:
        """Yield the network's outputs for batch after batch of windows; arguments as `detect`."""
        if isinstance(sound, np.ndarray):
            samples = _checked(sound, rate_hz, self.grid.rate_hz)
            yield from self._score(iter([samples]), 0, self.grid.count(len(samples)))
            return
        with audio.Recording(sound) as recording:
            yield from self._score(recording.blocks(self.grid.rate_hz), 0, self._count(recording))

    def analyse(
        self,
        path: str,
        stretch: int = 0,
        send: Callable[[Part], object] = lambda part: None,
        alive: Callable[[], object] = lambda: None,
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
        """
        outcome, found = Outcome(), [np.zeros(0, DETECTION)]
        dense = Sender(stretch, self.widths, send)
        rate_hz: int | None = None
        duration_s: float | None = None
        began_s, network_s = thread_time(), self._network_s
        try:
            with audio.Recording(path) as recording:
                outcome.reading_s = thread_time() - began_s
                rate_hz, duration_s = recording.rate_hz, recording.duration_s or None
                first, count = self._stretch(recording, stretch, outcome)
                start, stop = (0, None) if count is None else self.grid.span(first, first + count)
                blocks = _timed(recording.blocks(self.grid.rate_hz, start, stop), outcome)
                try:
                    for scored in self._score(blocks, first, count):
                        found.append(self._pick(scored))
                        dense.add(self._dense(scored))
                        outcome.n_windows += len(scored.start_s)
                        alive()
                finally:
                    outcome.notes += recording.notes  # some are found on the way
                outcome.audio_s = self._covered_s(recording, first, outcome)
        except (AudioError, ModelError, MemoryError) as error:
            stage, kind = "audio" if isinstance(error, AudioError) else "network", type(error).__name__
            size = audio.size_bytes(path)
            outcome.failure = Failure(path, stage, kind, str(error), size, rate_hz, duration_s)
        if outcome.failure is not None:
            outcome.audio_s = outcome.n_windows * self.grid.step_samples / self.grid.rate_hz
        outcome.n_parts = dense.end()
        outcome.detections = np.concatenate(found)
        outcome.network_s = self._network_s - network_s
        return outcome

    def _score(self, blocks: Iterator[Float32], first: int, count: int | None) -> Iterator[Scored]:
        """Run the network over `count` windows from number `first` on; None is to the end."""
        kind = self.options.normalization or self.model.normalization
        for batch in windows.cut(blocks, self.grid, count, self.session.batch):
            began_s = thread_time()
            outputs = self.session.run(windows.normalize(batch, kind))
            self._network_s += thread_time() - began_s
            number = np.arange(first, first + len(batch))
            first += len(batch)
            yield Scored(number * self.grid.step_samples / self.grid.rate_hz, outputs)

    def _pick(self, scored: Scored) -> NDArray[np.void]:
        """Turn a batch's logits into detections: [m] of `DETECTION`."""
        logits = scored.outputs["logits"]
        if not np.isfinite(logits).all():
            raise ModelError(f"the network's scores are not finite in the window at {scored.start_s[0]:g} s")
        window, label, confidence = self.rule.pick(logits)
        found = np.empty(len(window), DETECTION)
        found["start_s"] = scored.start_s[window]
        found["end_s"] = found["start_s"] + self.grid.window_samples / self.grid.rate_hz
        found["class_index"], found["confidence"] = label, confidence
        return found

    def _dense(self, scored: Scored) -> dict[str, Rows]:
        """Return a batch's dense rows by kind: [n] of `outcomes.row`."""
        found: dict[str, Rows] = {}
        for kind, width in self.widths.items():
            rows = found[kind] = np.empty(len(scored.start_s), row(width))
            rows["start_s"] = scored.start_s
            rows["end_s"] = scored.start_s + self.grid.window_samples / self.grid.rate_hz
            rows["values"] = self._embedding(scored) if kind == "embeddings" else self._confidences(scored)
        return found

    def _confidences(self, scored: Scored) -> NDArray[np.float32]:
        return self.rule.confidences(scored.outputs["logits"])

    def _embedding(self, scored: Scored) -> NDArray[np.float32]:
        if "embedding" not in scored.outputs:
            raise self._without_embedding()
        return scored.outputs["embedding"]

    def _without_embedding(self) -> ModelError:
        what = "leave embeddings out" if self.options.graft else "run it without --no-graft (graft=False)"
        return ModelError(f"{self.model.title} has no embedding to show; {what}")

    def _count(self, recording: audio.Recording) -> int | None:
        n_samples = recording.n_samples_at(self.grid.rate_hz)
        return None if n_samples is None else self.grid.count(n_samples)

    def _stretch(self, recording: audio.Recording, stretch: int, outcome: Outcome) -> tuple[int, int | None]:
        """Return a stretch's first window and their number (None: to an end that is not known)."""
        total = self._count(recording)
        if total is None:
            return 0, None
        minute = max(1, round(STRETCH_S * self.grid.rate_hz / self.grid.step_samples))
        most = MAX_SLOW_STRETCHES if recording.seeks_slowly else MAX_STRETCHES
        size = minute * max(1, -(-total // (minute * most)))
        outcome.n_stretches = max(1, -(-total // size))
        return stretch * size, min(size, total - stretch * size)

    def _covered_s(self, recording: audio.Recording, first: int, outcome: Outcome) -> float:
        """Return the seconds that a stretch adds to the sound analysed: up to the next one's start."""
        step_s = self.grid.step_samples / self.grid.rate_hz
        end_s = (first + outcome.n_windows) * step_s
        if recording.n_frames is not None:
            end_s = min(end_s, recording.duration_s)
        return end_s - first * step_s


def _grid(model: models.Model, options: Options) -> windows.Grid:
    step_samples = model.step_samples or model.window_samples
    if options.overlap_s is not None:
        step_samples = model.window_samples - round(options.overlap_s * model.rate_hz)
    elif options.step_s is not None:
        step_samples = round(options.step_s * model.rate_hz)
    return windows.Grid(model.rate_hz, model.window_samples, step_samples, options.tail)


def _checked(samples: Float32, rate_hz: int | None, model_rate_hz: int) -> Float32:
    """Return sound that is already in memory at the model's rate."""
    if rate_hz is None or not audio.MIN_RATE_HZ <= rate_hz <= audio.MAX_RATE_HZ:
        raise AudioError(
            f"samples need their rate_hz, {audio.MIN_RATE_HZ} to {audio.MAX_RATE_HZ}; it is {rate_hz}"
        )
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise AudioError(f"samples are {samples.dtype} {list(samples.shape)}; mono floats [n] are wanted")
    if not np.isfinite(samples).all():
        raise AudioError(f"sample {int(np.argmin(np.isfinite(samples)))} is NaN or infinite")
    return audio.resample(samples.astype(np.float32, copy=False), rate_hz, model_rate_hz)


def _timed(blocks: Iterator[Float32], outcome: Outcome) -> Iterator[Float32]:
    """Pass blocks on and add up the CPU time that making them takes."""
    while True:
        began_s = thread_time()
        try:
            block = next(blocks, None)
        finally:
            outcome.reading_s += thread_time() - began_s
        if block is None:
            return
        yield block
