"""Cross-validation: a model for each fold that has not heard it, and what it says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from .. import bars, metrics
from ..tables import escaped
from . import calibration, choosing, evaluation, keep, leftout
from .clock import TEST, Task
from .evaluation import Confusion
from .folds import Trial, is_number
from .heldout import HeldOut, Kind
from .learning import Learning
from .recordings import Clip

PLAIN = re.compile(r"\w[\w .+-]{0,80}")  # a fold's name that a folder can have
TOLD_WORST = 5


class Evaluation(NamedTuple):
    """What folds came to: figures for `evaluation.write`, and which class was taken for which."""

    figures: dict[str, Any]
    confusion: Confusion


def tasks(training: Learning, trials: Sequence[Trial], last: str | None = None) -> list[Task]:
    """Return what is to be done, for a `clock.Clock`: folds, and the model's stages up to the last wanted."""
    every = training.stages
    stages = every[: every.index(last) + 1] if last else every
    folds = [Task(_title(fold), _size(without), (*every, TEST)) for fold, without, _ in trials]
    return [*folds, Task("model", _size(training), stages)]


def cross_validate(
    training: Learning,
    trials: Sequence[Trial],
    folder: Path,
    *,
    scores: Kind = "csv",
    keep_folds: bool = False,
    csv_safe: bool = False,
) -> Evaluation:
    """Train without each fold, test on it, and write and return what came out.

    Parameters
    ----------
    training : Learning
        Of the whole.
    trials : sequence of Trial
        See `folds.trials`.
    folder : Path
        Where the figures go, see `evaluation.write`, and the windows' scores, see `heldout.HeldOut`.
    scores : "csv" or "parquet"
        What they are written as.
    keep_folds : bool
        Write each fold's model, too: folder/folds/<fold>. If it is killed, its stages are found again.
    csv_safe : bool
        Put an apostrophe before text in CSVs that a spreadsheet would run.

    Raises
    ------
    ConfigError
        Something is in the way of a file, or a training comes to nothing.
    OSError
        The disk is full, or does not take a name.
    """
    places = [folder / keep.FOLDS / name for name in _names(trials)] if keep_folds else []
    keep.prepare_folds(folder / keep.FOLDS, [place.name for place in places])
    results: list[dict[str, Any]] = []
    worst: list[dict[str, Any]] = []
    confusion = Confusion()
    with ExitStack() as stack:
        table = stack.enter_context(HeldOut(folder, training.classes, scores, csv_safe=csv_safe))
        for number, trial in enumerate(trials):
            training.say(f"fold {trial[0]}: {len(trial[2]):,} of {len(training.clips):,} clips held out")
            with bars.stage(_title(trial[0])):
                judged, counts, missed = _test(trial, places[number] if places else None, table)
            results.append(judged)
            confusion += counts
            worst = sorted([*worst, *missed], key=lambda one: one["score"])[: evaluation.MOST_MISSED]
            training.say(f"fold {trial[0]}: {_in_words(judged)}")
    mean = metrics.mean(results)
    training.say(f"mean: {_in_words(mean)}")
    for one in worst[:TOLD_WORST]:
        training.say(_missed_in_words(one))
    figures = {"folds": results, "mean": mean, "worst": worst}
    evaluation.write(folder, figures, csv_safe=csv_safe)
    evaluation.write_confusion(folder, confusion, training.classes, csv_safe=csv_safe)
    return Evaluation(figures, confusion)


def _test(
    trial: Trial, place: Path | None, table: HeldOut
) -> tuple[dict[str, Any], Confusion, list[dict[str, Any]]]:
    """Train without a fold and test on it; return the figures, who is taken for whom, and the worst clips."""
    fold, without, tested = trial
    if place is not None:
        without.keep = place / keep.WITHIN
    with leftout.naming(without):
        arrays = without.model()
        with bars.stage(TEST):
            examples = without.examples(arrays, tested)
            is_one = without.softmax
            logits = without.logits(examples, arrays)
            found = evaluation.confidences(logits, exclusive=is_one)
            numbers = examples.clip[:: examples.n_variants]
            table.write(fold, tested, numbers, found, without.window_s, without.step_s)
            scores, truth = evaluation.of_clips(examples, logits)
            judged = metrics.judge(scores, truth, without.classes)
            judged |= choosing.judged(without.recipe, arrays)
            judged |= calibration.judged(logits, examples.targets[:: examples.n_variants], arrays, is_one)
    if place is not None:
        without.write(place, arrays, escaped(f"{place.parents[1].resolve().name}, without fold {fold}"))
    number = int(fold) if is_number(fold) else fold
    clips = [tested[clip] for clip in dict.fromkeys(numbers.tolist())]
    confident = evaluation.confidences(scores, exclusive=is_one)
    missed = [_told(one, clips, without.classes, number) for one in evaluation.missed(confident, truth)]
    return {"fold": number, **judged}, evaluation.confusion(scores, truth), missed


def _told(
    one: evaluation.Missed, clips: Sequence[Clip], classes: Sequence[str], fold: int | str
) -> dict[str, Any]:
    """Return a clip that was missed as evaluation.json has it."""
    clip = clips[one.clip]
    return {
        "file": escaped(clip.path),
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "fold": fold,
        "label": classes[one.label],
        "score": one.score,
        "taken_for": classes[one.taken_for],
        "its_score": one.its_score,
    }


def _in_words(figures: dict[str, Any]) -> str:
    return f"accuracy {figures['accuracy']:.4f}, macro ROC-AUC {figures['macro_roc_auc']:.4f}"


def _missed_in_words(one: dict[str, Any]) -> str:
    part = f" from {one['start_s']:.10g} s" if one["start_s"] else ""
    return (
        f"missed: {one['file']}{part}: {one['label']} {one['score']:.2f},"
        f" taken for {one['taken_for']} {one['its_score']:.2f}"
    )


def _names(trials: Sequence[Trial]) -> list[str]:
    """Return the names of the folds' folders: their own, or their numbers if one is no name for a folder."""
    names = [fold for fold, _, _ in trials]
    return names if all(map(PLAIN.fullmatch, names)) else [str(n) for n in range(1, len(names) + 1)]


def _title(fold: str) -> str:
    return f"fold {fold}"


def _size(training: Learning) -> int:
    return len(training.clips) + len(training.unlabelled)
