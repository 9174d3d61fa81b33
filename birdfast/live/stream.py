"""A stream: sound that a program pushes as it comes, and what models hear in it."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .. import audio, models
from ..arrays import Float32, Int16
from ..audio.channels import chosen
from ..audio.pcm import MOST_CHANNELS
from ..config import Options, check, flag, number, whole
from ..errors import ConfigError, RecordingWarning
from ..outcomes import Detection
from ..pipeline import Pipeline, Scored
from ..pipeline.listener import Listener
from .clock import later
from .intake import Intake
from .work import Work

_Path = str | os.PathLike[str]
MOST_WAITING = 100_000
START_S = attrgetter("start_s")
NAME = "the stream"  # where a message names a recording


class Stream:
    """What models hear in sound that is pushed block by block: the same as in a file of these samples.

    The scores have the same bits as those of `Pipeline.score`, however long the blocks are. A window is
    scored as soon as it is complete, at the end also what the tail rule gives. Memory does not grow. One
    thread pushes at a time; any number of streams may share a `Pipeline`.

    Parameters
    ----------
    model : str, path, several of them, or Pipeline
        As `birdfast.load`; or what it returned, and then without `labels` and `options`.
    rate_hz : int
        Of the samples, 1,000 to 768,000. It is resampled in the stream where a model wants another.
    channels : int
        How many there are in a block: `channel` of the options says which are heard (default: their mix).
    labels : path or None, or one of them for each model
    background : bool
        Score windows in a thread of the stream's own: `push` waits for no network, and what is heard comes
        with a later push, or `poll`. Without, windows are scored in `push`.
    waiting : int >= 1
        So many complete windows wait for that thread at most; more are not scored, but counted in `dropped`.
    began : datetime or None
        When the stream began, for `when`.
    start_s : float >= 0
        What is added to all times: of a stream that goes on after a gap.
    name : str
        What detections have as their file.
    follow : callable of (str, Scored) or None
        Is given the model's name and each window's outputs, in the thread that scores; they may be views that
        are overwritten when it returns.
    **options
        The fields of `birdfast.config.Options`: step_s, overlap_s, min_confidence, fmin_hz, ... `max_hours`
        bounds no stream.

    Attributes
    ----------
    pipeline : Pipeline
    dropped : int
        Windows that were not scored, as too many waited.
    notes : list of str
        What is to be known of the sound so far; each is a `RecordingWarning`, too.

    Raises
    ------
    ModelError, ConfigError
        As `birdfast.load`; or an argument does not fit.
    AudioError
        There is no such channel, or the rate is outside 1 to 768 kHz at the options' speed.

    Examples
    --------
    ::

        with Stream("birdnet-2.4", 48_000, step_s=1.5) as stream:
            for block in microphone:
                for found in stream.push(block):
                    print(found.start_s, found.common_name, found.confidence)
    """

    def __init__(
        self,
        model: _Path | Sequence[_Path] | Pipeline,
        rate_hz: int,
        *,
        channels: int = 1,
        labels: _Path | Sequence[_Path | None] | None = None,
        background: bool = False,
        waiting: int = 8,
        began: datetime | None = None,
        start_s: float = 0.0,
        name: str = "",
        follow: Callable[[str, Scored], object] | None = None,
        **options: Any,
    ) -> None:
        rate_hz = whole("rate_hz", rate_hz, audio.MIN_RATE_HZ, audio.MAX_RATE_HZ)
        channels = whole("channels", channels, 1, MOST_CHANNELS)
        waiting, background = whole("waiting", waiting, 1, MOST_WAITING), flag("background", background)
        check(began is None or isinstance(began, datetime), "began", began, "a datetime, or None")
        check(isinstance(name, str), "name", name, "text")
        check(follow is None or callable(follow), "follow", follow, "a callable, or None")
        self.began, self._start_s = began, number("start_s", start_s, 0, 1e12)
        self._name, self._follow, self.notes = name, follow, list[str]()
        self.pipeline = _pipeline(model, labels, options)
        how = self.pipeline.options
        pace = audio.paced(rate_hz, how.speed, name or NAME)
        numbers = chosen(how.channel, channels, Path(name or NAME))
        self._rate_hz, self._intake = rate_hz, Intake(channels, numbers)
        self._found = deque[Detection]()
        how_many = waiting if background else 0
        self._work = Work(self.pipeline.listeners, self._intake, pace, numbers, self._take, how_many)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; what that still gives is there for `poll`. After an error nothing more is scored."""
        if kind is None:
            self._end()
        else:
            self.close()

    @property
    def dropped(self) -> int:
        """Windows that were not scored, as too many waited."""
        return self._work.dropped

    @property
    def seconds(self) -> float:
        """How many seconds of sound were pushed."""
        return self._intake.n_taken / self._rate_hz

    def push(self, samples: Float32 | Int16) -> list[Detection]:
        """Take sound that follows what was pushed before, and return what is heard that was not told yet.

        Parameters
        ----------
        samples : int16 or float32, [n] or [n, channels]
            n may be any number. The array may be used again when this returns.

        Returns
        -------
        list of Detection
            Window by window as they are complete, of each the most confident first.

        Raises
        ------
        AudioError
            It is no such array, or a sample is not finite or beyond 2**40: nothing is taken; it goes on.
        ModelError
            A network fails, or its scores are not finite: the stream is closed.
        ConfigError
            The stream has ended, or another thread, or `follow`, pushes while this one does.
        """
        if self._work.is_over:
            raise ConfigError(f"{self._name or NAME} has ended: a new Stream hears on")
        self._work.push(samples)
        return self.poll()

    def poll(self) -> list[Detection]:
        """Return what is heard that was not told yet, without waiting; raises ModelError as `push`."""
        self._work.check()
        found = [self._found.popleft() for _ in range(len(self._found))]
        if len(found) > 1:  # of a long block channel by channel, model by model
            found.sort(key=START_S)
        return found

    def flush(self) -> list[Detection]:
        """Wait for the background, and return what is heard in all windows that are complete; as `poll`."""
        self._work.flush()
        return self.poll()

    def end(self) -> list[Detection]:
        """End the stream, and return what is left: also what a file's end gives by the tail rule.

        No window is dropped here: they are waited for. A second call returns nothing. Raises as `push`.
        """
        self._end()
        return self.poll()

    def close(self) -> None:
        """End the stream without scoring what is left."""
        self._work.close()

    def when(self, start_s: float) -> datetime:
        """Return what time it was so many seconds after the stream began, by `began`.

        Raises
        ------
        ConfigError
            It was not told when it began.
        """
        if self.began is None:
            raise ConfigError("began is not told: Stream(..., began=datetime.now()) knows what time it is")
        return later(self.began, number("start_s", start_s))

    def detections(self, listener: Listener, scored: Scored) -> list[Detection]:
        """Return what makes detections of a window's scores; another rule than the options' overrides it."""
        return list(listener.named(self._name, listener.pick(listener.kept(scored))))

    def _end(self) -> None:
        if not self._work.is_over:
            self._work.end()
            self._note(*self._intake.remarks())

    def _take(self, number: int, scored: Scored) -> None:
        """Keep what is heard in a window for whoever asks."""
        listener = self.pipeline.listeners[number]
        if self._start_s:
            scored = scored._replace(start_s=scored.start_s + self._start_s)
        if remark := listener.remark(scored):
            self._note(remark)
        if self._follow is not None:
            self._follow(listener.model.name, scored)
        self._found.extend(self.detections(listener, scored))

    def warn(self, remark: str) -> None:
        """Say what is to be known of the sound, once; who has another way to say it overrides this."""
        warnings.warn(f"{self._name or NAME}: {remark}", RecordingWarning, stacklevel=2)

    def _note(self, *remarks: str) -> None:
        for remark in remarks:
            if remark not in self.notes:
                self.notes.append(remark)
                self.warn(remark)


def _pipeline(model: Any, labels: Any, options: dict[str, Any]) -> Pipeline:
    """Return what hears: one that is ready, or of models by their names."""
    if not isinstance(model, Pipeline):
        return Pipeline(models.find_all(model, labels), Options.of(options))
    if labels is not None or options:
        told = ", ".join([*["labels"] * (labels is not None), *options])
        raise ConfigError(f"{told}: a Pipeline has its own; give them to birdfast.load")
    return model
