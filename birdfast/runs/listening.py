"""Listening: what models hear in sound as it comes, as rows of the question that is asked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from .. import labels, merging
from ..arrays import Array, Bools
from ..config import Options
from ..deployments import Content
from ..labels import Labels
from ..live.clock import later
from ..live.intake import NO_SOUND, silenced
from ..live.reader import Began, Came, Gone, Lost
from ..live.stream import Stream
from ..models import Model
from ..outcomes import Detection
from ..pipeline import Pipeline, Scored
from ..pipeline.listener import Listener
from ..scores import Rules, keeping
from ..tables import Result
from ..tables.ndjson import Lines
from . import planned, thresholds
from .facts import facts
from .keepsakes import Keepsakes
from .question import Question
from .where import Where

DAY_S = 86_400


class Listening:
    """Models and a question, ready for sound; what is heard has the rows that a run's tables have.

    Parameters
    ----------
    models : sequence of Model
    options : Options
    question : Question
    name : str
        What rows have as their file: site and time are looked for in it, as in a file's name.
    began : datetime or None
        When the sound begins: so rows have their time, and species of a place their week.
    tell : callable of str
        Hears what is to be known of models, question and sound.
    warn : callable of str
        Hears what went wrong.

    Attributes
    ----------
    heard_s : float
        Seconds of sound that were heard so far.
    n_rows : int
    species : Counter of (str, str)
        How often each was told of, by its names.
    n_amiss : int
        Windows that say nothing, as their scores were not finite.
    has_failed : bool
        Whether a source ended before its time, or gave what is no sound.

    Raises
    ------
    ModelError, ConfigError
        As `Run`.
    """

    def __init__(
        self,
        models: Sequence[Model],
        options: Options,
        question: Question,
        name: str,
        began: datetime | None,
        tell: Callable[[str], object],
        warn: Callable[[str], object],
    ) -> None:
        options = thresholds.settled(options, models)
        kept = planned.enough("asked", options, question, models)
        self.pipeline = Pipeline(models, dataclasses.replace(options, keep=(kept,)))
        widths = [listener.widths for listener in self.pipeline.listeners]
        digests = [model.digests() for model in models]
        known = facts(models, options, digests, lambda: widths, [name], None, question)
        self._where = Where(question, known.about, known.decides)
        self.tell, self.warn, self.name, self._began = tell, warn, name, began
        self._most = question.merge_consecutive
        self.heard_s, self.n_rows, self.species = 0.0, 0, Counter[tuple[str, str]]()
        self.has_failed, self.n_amiss = False, 0
        self._where.survey([(name, self._told(0))])
        for words in (*thresholds.told(options, models), *self._where.words):
            tell(words)
        spaces = self._where.about.models
        self.label_spaces = [[Labels(*names) for names in one.label_spaces] for one in spaces]
        self.rules = self._rules(question)
        self.lines = Lines(self._where.about)
        self.lines.begin(Result(name, (), facts=self._where.of(name, self._told(0)).facts))

    @property
    def window_s(self) -> float:
        """How long the longest window is."""
        speed = self.pipeline.options.speed
        grids = [listener.grid for listener in self.pipeline.listeners]
        return speed * max(grid.window_samples / grid.rate_hz for grid in grids)

    def hear(self, came: Iterable[Came], keep: Keepsakes | None = None) -> Iterator[list[Detection]]:
        """Hear what comes of a reader, and yield rows as soon as they are complete.

        Where sound was lost or the source had gone, what follows is heard as a recording of its own, with
        times that go on. What was heard before a source ended in the middle is told.
        """
        for rows in merging.merged(self._parts(came, keep), self._most):
            self.n_rows += len(rows)
            self.species.update((row.scientific_name, row.common_name) for row in rows)
            yield rows

    def masks(self, start_s: float) -> Sequence[Bools | None]:
        """Return the classes that are told of there, of each model, counted through its label spaces."""
        every = self._where.of(self.name, self._told(int(start_s // DAY_S))).masks
        if every is None:
            return [None] * len(self.rules)
        return [np.concatenate(masks) for masks in every]

    def _told(self, day: int) -> str:
        """Return what a file would say of when it began, so many days later."""
        if self._began is None:
            return ""
        return Content(start=later(self._began, day * DAY_S)).to_json()

    def _rules(self, question: Question) -> list[Rules]:
        every = [listener.rules for listener in self.pipeline.listeners]
        if question.thresholds is None:
            return every
        first = [[*zip(one[0].scientific, one[0].common, strict=True)] for one in self.label_spaces]
        least = thresholds.by_class(question.own_files()["thresholds"], first)
        return [rules.with_thresholds(own) for rules, own in zip(every, least, strict=True)]

    def _parts(self, came: Iterable[Came], keep: Keepsakes | None) -> Iterator[list[Detection]]:
        stretch: _Stretch | None = None
        for what in came:
            if isinstance(what, Gone):
                yield [] if stretch is None else stretch.end()
                stretch = None
                self._say_gone(what)
            elif isinstance(what, Began):
                stretch = _Stretch(self, what, keep)
            elif isinstance(what, Lost):
                assert stretch is not None
                yield stretch.end()
                stretch = stretch.after(what.n_samples)
            else:
                assert stretch is not None
                yield stretch.push(what)
        yield [] if stretch is None else stretch.end()

    def _say_gone(self, what: Gone) -> None:
        if what.again_s is None:
            self.has_failed = True
            self.warn(what.why)
        else:
            self.tell(f"{what.why}; looking for it again in {what.again_s:g} s")


class _Asked(Stream):
    """A stream whose detections are those of a question."""

    listening: Listening
    _day: float = -1
    _masks: Sequence[Bools | None] = ()

    def detections(self, listener: Listener, scored: Scored) -> list[Detection]:
        """Return what is asked for of a window's scores."""
        asked, number = self.listening, listener.number
        if (day := float(scored.start_s[0]) // DAY_S) != self._day:
            self._day, self._masks = day, asked.masks(float(scored.start_s[0]))
        rows = keeping.detections(listener.kept(scored), asked.rules[number], self._masks[number])
        return list(labels.named(asked.label_spaces[number], rows, self._name, listener.model.name))

    def go_on(self) -> None:
        """Let no window end the stream."""
        self._work.forgive(self.amiss)

    def amiss(self, start_s: float) -> None:
        """Count a window whose scores are not finite: nothing is heard in it, and the next one is another."""
        asked = self.listening
        if not asked.n_amiss:
            at_s = self._start_s + start_s
            told = (
                f"the network's scores are not finite in the window at {at_s:g} s; it goes on with the next"
            )
            asked.warn(f"{self._name}: {told}")
        asked.n_amiss += 1
        asked.has_failed = True

    def warn(self, remark: str) -> None:
        """Say it as a run says such things."""
        self.listening.tell(f"{self._name}: {remark}")


class _Stretch:
    """Sound without a gap."""

    def __init__(self, listening: Listening, began: Began, keep: Keepsakes | None) -> None:
        self._listening, self._began, self._keep = listening, began, keep
        pcm, start_s = began
        how: dict[str, Any] = {"channels": pcm.n_channels, "start_s": start_s, "name": listening.name}
        self._stream = _Asked(listening.pipeline, pcm.rate_hz, **how)
        self._stream.listening, self._n_wrong = listening, 0
        self._stream.go_on()
        if keep is not None:
            keep.begin(pcm, start_s, listening.window_s)

    def push(self, samples: Array) -> list[Detection]:
        """Hear a block, and silence in the place of samples that are none: windows stay where they are."""
        samples, wrong = silenced(samples)
        if wrong.any():
            self._say_wrong(wrong)
        rows = self._stream.push(samples)
        self._listening.heard_s += len(samples) / self._began.pcm.rate_hz
        if self._keep is not None:
            self._keep.push(samples, rows)
        return rows

    def end(self) -> list[Detection]:
        """Hear what is left."""
        if self._n_wrong > 1:
            self._listening.warn(f"{self._listening.name}: {self._n_wrong:,} samples are {NO_SOUND}")
        rows = self._stream.end()
        if self._keep is not None:
            self._keep.end(rows)
        return rows

    def _say_wrong(self, wrong: Bools) -> None:
        """Say it of the first of them; how many there were is said at the end."""
        if not self._n_wrong:
            at_s = self._began.start_s + self._stream.seconds + int(wrong.argmax()) / self._began.pcm.rate_hz
            told = f"the sample at {at_s:.3f} s is {NO_SOUND}; silence is heard in the place of such"
            self._listening.warn(f"{self._listening.name}: {told}")
        self._n_wrong += int(wrong.sum())
        self._listening.has_failed = True

    def after(self, n_samples: int) -> _Stretch:
        """Return what begins so many samples behind its end."""
        pcm, start_s = self._began
        start_s += self._stream.seconds + n_samples / pcm.rate_hz
        return _Stretch(self._listening, Began(pcm, start_s), self._keep)
