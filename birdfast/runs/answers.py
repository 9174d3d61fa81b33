"""Answers: what a journal says to a question, made of the scores that are kept in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from .. import scores
from ..arrays import Bools, Float32, Rows
from ..errors import ConfigError
from ..journal import QUESTION, Entry, Journal, Record
from ..outcomes import Outcome, row
from ..scores import Rules, keeping
from ..scores.keeping import ALL, Keeping, Kept
from ..tables import About, AboutModel, check_forms, escaped, kept_for
from .asked import question_of, told_again
from .where import Known, Where

PART_ROWS = 4096  # of detections that are handed out at once
AGAIN = "infer with --keep-scores all and --force hears the sound again, and keeps what answers all"


class Answers:
    """What a journal says to a question; nothing of it hangs on when it was asked.

    Parameters
    ----------
    record : Record
    asked : dict or None
        As `journal.Facts.asked`; None: what was asked last.

    Attributes
    ----------
    facts : Facts
        The run's, of which that is asked.
    where : Where
        What is known of its recordings, and which species are asked for.

    Raises
    ------
    ConfigError
        As `Where`.
    """

    def __init__(self, record: Record, asked: Mapping[str, Any] | None = None) -> None:
        facts = record.facts()
        self.record, self.facts = record, facts if asked is None else facts.asking(asked)
        self.question = question_of(self.facts.asked)
        with told_again():
            now = self.question.facts()
        if now != self.facts.asked.get(QUESTION, {}):
            raise ConfigError(
                f"{record.path}: a file that its question names holds something else by now; ask anew, by"
                " `birdfast tables` or the same command of infer"
            )
        self.where = Where(self.question, self.facts.about, self.facts.decides)
        spaces = [model.label_spaces for model in self.facts.about.models]
        self._sizes = [[len(space.scientific) for space in every] for every in spaces]
        self._is_narrow, self._at_work = self.question.is_narrow, ("", "")
        self._rules_of = dict[tuple[int, tuple[Keeping, ...]], Rules]()
        self._thresholds = list[dict[int, float]]()
        if self.question.thresholds is not None:
            from . import thresholds  # few ask so, and it needs what judges

            first = [[*zip(every[0].scientific, every[0].common, strict=True)] for every in spaces]
            self._thresholds = thresholds.by_class(self.question.own_files()["thresholds"], first)

    @property
    def about(self) -> About:
        """What the tables say of the run."""
        return self.where.about._replace(models=self.models)

    @cached_property
    def models(self) -> tuple[AboutModel, ...]:
        """Its models; scores are among the widths of one of which all are kept, when this is first asked."""
        return tuple(
            model._replace(widths=self._widths(number) | dict(model.widths))
            for number, model in enumerate(self.where.about.models)
        )

    def known(self, entry: Entry) -> Known:
        """Return what is known of a recording: its file is not opened."""
        return self.where.of(os.fsdecode(entry.path), entry.told or "")

    def check(self) -> None:
        """Refuse a question that what is kept does not answer as all scores would.

        Raises
        ------
        ConfigError
            It says from which confidence on it does, and what would help.
        """
        for number, model in enumerate(self.where.about.models):
            for keepings in self.record.keepings(number):
                rules = self._rules(number, keepings).rules
                for keep, rule, size in zip(keepings, rules, self._sizes[number], strict=True):
                    if not keep.answers(rule, size, masked=self.where.has_masks):
                        raise ConfigError(
                            f"{self.record.path}: {_too_low(escaped(model.name), keep, rule)}; {AGAIN}"
                        )

    def check_kinds(self, kinds: Sequence[str]) -> None:
        """Refuse tables whose rows are not kept, or that would replace what is not ours in the run's folder.

        Raises
        ------
        ConfigError
            With the first of them.
        """
        for kind in kept_for(kinds):
            if not all(kind in model.widths for model in self.models):
                what = AGAIN if kind == "scores" else f"infer has to be told --rtype {kind}"
                raise ConfigError(f"{self.record.path}: that run kept no {kind} of all windows; {what}")
        if isinstance(self.record, Journal):
            check_forms(self.record.path.parent, kinds, self.about)

    def detections(self, entry: Entry, model: int) -> Iterator[Rows]:
        """Yield a file's detections in time, `PART_ROWS` at once: [n] of `outcomes.DETECTION`.

        Those of a stretch are held together, as its channels may come one after the other.

        Raises
        ------
        ConfigError
            As `Record.kept`.
        """
        parts = self.record.kept(entry, sum(self._sizes[model]), model)
        for _, stretch in groupby(parts, key=itemgetter(0)):
            found = self._found(entry, model, (some for _, some in stretch))
            for start in range(0, len(found), PART_ROWS):
                yield found[start : start + PART_ROWS]

    def correct(self, journal: Journal, path: str, outcome: Outcome) -> None:
        """Give what was heard just now the detections that are asked for: workers know of no species' masks.

        Parameters
        ----------
        journal : Journal
            It has the parts already.
        path : str
        outcome : Outcome
            Of a file's next stretch.
        """
        if outcome.told is not None:
            self._at_work = path, outcome.told
        for heard in outcome.heard if self._is_narrow and self._at_work[0] == path else ():
            mask, n_classes = self._mask(*self._at_work, heard.model), sum(self._sizes[heard.model])
            rules = self._rules(heard.model, keeping.of_told(heard.kept) if heard.kept else ())
            parts = journal.kept_just_now(path, outcome.stretch, n_classes, heard.model)
            heard.detections = keeping.in_time(keeping.detections(some, rules, mask) for some in parts)

    def _found(self, entry: Entry, model: int, parts: Iterable[Kept]) -> Rows:
        """Return the detections of a stretch, of its parts."""
        rules, mask = self._heard(entry, model), self._mask(os.fsdecode(entry.path), entry.told, model)
        return keeping.in_time(keeping.detections(some, rules, mask) for some in parts)

    def kept(self, entry: Entry, model: int) -> Iterator[tuple[Kept, Float32, Bools | None]]:
        """Yield what is kept of a file's scores, their confidences, and the classes asked for (None: all)."""
        rules, mask = self._heard(entry, model), self._mask(os.fsdecode(entry.path), entry.told, model)
        for _, some in self.record.kept(entry, sum(self._sizes[model]), model):
            yield some, rules.of_kept(some.label, some.score), mask

    def dense(self, entry: Entry, kind: str, model: int) -> Iterator[Rows]:
        """Yield a file's dense rows of a kind that is among the widths, in parts: [n] of `outcomes.row`."""
        if kind != "scores":
            return self.record.dense(entry, kind, self.models[model].widths[kind], model)
        return self._confidences(entry, model)

    def _confidences(self, entry: Entry, model: int) -> Iterator[Rows]:
        rules, n_classes = self._heard(entry, model), sum(self._sizes[model])
        for _, some in self.record.kept(entry, n_classes, model):
            rows = np.zeros(len(some.windows), row(n_classes))
            for name in ("start_s", "end_s", "channel"):
                rows[name] = some.windows[name]
            rows["values"] = rules.of_scores(some.score.reshape(-1, n_classes))
            yield rows

    def _widths(self, model: int) -> dict[str, int]:
        """Return how wide a model's rows of all scores are, if they are kept of all that was heard."""
        every = [keep.least == ALL for keepings in self.record.keepings(model) for keep in keepings]
        return {"scores": sum(self._sizes[model])} if all(every) else {}

    def _heard(self, entry: Entry, model: int) -> Rules:
        told = next((one.kept for one in entry.hearings if one.model == model), None)
        return self._rules(model, keeping.of_told(told) if told else ())

    def _rules(self, model: int, keepings: tuple[Keeping, ...]) -> Rules:
        """Return the rules by which a model's kept scores become detections."""
        found = self._rules_of.get((model, keepings))
        if found is None:
            asked, of_model = self.facts.asked, self.facts.of_model
            activations = [keep.activation for keep in keepings]
            if asked.get("sensitivity", 1) != 1 and {*activations} - {"sigmoid"}:
                name = escaped(self.where.about.models[model].name)
                raise ConfigError(f"sensitivity: {name} has no sigmoid whose logits it could shift")
            found = scores.rules(
                activations or ["none"] * len(self._sizes[model]),
                self._sizes[model],
                asked.get("min_confidence"),
                asked.get("top_k"),
                asked.get("sensitivity", 1.0),
                thresholds=of_model(model, "thresholds", ()),
                background=of_model(model, "background", -1),
            )
            if self._thresholds:
                found = found.with_thresholds(self._thresholds[model])
            self._rules_of[model, keepings] = found
        return found

    def _mask(self, path: str, told: str | None, model: int) -> Bools | None:
        masks = self.where.of(path, told).masks if self.where.has_masks else None
        return None if masks is None else np.concatenate(masks[model])


def _too_low(name: str, keep: Keeping, rule: scores.ScoreRule) -> str:
    """Return in words what is asked, and what is kept."""
    least, top = rule.min_confidence, rule.top_k
    asked = f"a least confidence of {float(np.min(least)):g}"
    if rule.sensitivity != 1:
        asked += f" at sensitivity {rule.sensitivity:g}"
    if top is not None:
        asked += f" and the best {top:,} of a window"
    kept = "none by their height"
    if keep.least < np.inf:
        floor = float(rule.of_scores(np.array([keep.least], np.float32))[0])
        kept = f"those from {floor:.2g} on"
    more = f", and the best {keep.best:,} of each window" if keep.best else ""
    return f"asked is {asked}, but of {name}'s scores are kept {kept}{more}"
