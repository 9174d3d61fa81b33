"""Train a model of your own: spectrogram tokens, their embeddings, and a classifier.

DATA is a folder of class folders, or a CSV with the columns `file` and `label` (several labels joined
by ";"; none for background, which a folder _background has) and, if wanted, `start_s`, `end_s` and
`fold`. The output folder is then a model: birdfast infer --model MODEL/ ...

  model.toml, *.npy   the model
  evaluation.json     with --cv or --hold-out: accuracy, macro ROC-AUC and calibration on recordings held out
  evaluation.csv      the same, class by class
  stages/             what the stages found, so that a training can go on where it stopped

The three stages are codebook (whitening and k-means), embedding (skip-gram) and head (the classifier).
The same seed and recordings give the same model.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..modelfolder import Arrays
    from ..train.folds import Trial
    from ..train.recordings import Clip
    from ..train.stages import Training

from .. import voice
from ..errors import BirdfastError
from . import channel, exits, values

HELP = "train a model on your own recordings"
STAGES = "stages"
WRITE = (None, "head")  # the choices of --stage that end with a model
NEEDED = {"numba": "numba", "sklearn": "scikit-learn", "tomli_w": "tomli-w"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("data", metavar="DATA", help="a folder of class folders, or a CSV")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="the model's folder")
    parser.add_argument(
        "--preset",
        choices=("best", "max", "soundscapes", "paper"),
        default="best",
        help="best: for clips with one sound each; soundscapes: for long recordings in which several species"
        " call over noise, it learns from mixes of the clips, too; paper: exactly the published configuration"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--recipe", metavar="FILE", help="a TOML file with values in the place of the preset's"
    )
    parser.add_argument(
        "--unlabelled",
        action="append",
        default=[],
        metavar="DIR",
        help="recordings without labels, for the codebook and the embeddings; can be given repeatedly",
    )
    parser.add_argument(
        "--centroids",
        metavar="FILE.npy",
        help="a codebook from elsewhere, such as faiss' centroids as float32 [n, values of a frame]; takes a"
        " recipe without whitening, such as --preset paper",
    )
    parser.add_argument(
        "--vectors",
        metavar="FILE",
        help="embeddings from elsewhere as a word2vec file (gensim's save_word2vec_format); keys are tokens",
    )
    parser.add_argument(
        "--stage",
        choices=("codebook", "embedding", "head"),
        help="run this stage alone, anew, on what those before it left (default: all that are not done)",
    )
    judge = parser.add_mutually_exclusive_group()
    judge.add_argument(
        "--cv", action="store_true", help="test on each of a CSV's folds first (class folders: --hold-out)"
    )
    judge.add_argument(
        "--hold-out",
        metavar="WHAT",
        help="first train without one fold of the CSV, or a share of each class's files such as 20%%, and"
        " test on it",
    )
    channel.argument(parser)
    values.csv_safe(parser)
    values.max_hours(parser, "is left out, unless the clips of a CSV end before")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: one a core)")
    parser.add_argument("--force", action="store_true", help="replace the finished model that is in MODEL")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def run(chosen: argparse.Namespace) -> int:
    """Train and return the exit code."""
    from ..runs.output import alone, output_folder, telling
    from ..train import evaluation, recordings

    output = Path(chosen.output)
    with telling(output):
        _check(chosen, output)
    beside = (output, output / STAGES)
    found = recordings.find(chosen.data, beside, n_workers=chosen.workers, bar=not chosen.quiet)
    clips = _heard(found, chosen)
    training = _training(chosen, clips)
    for doubt in recordings.doubts(clips):
        training.say(f"birdfast: {doubt}")
    trials = _trials(chosen, training)
    training.keep = output_folder(output / STAGES)
    training.store.keep_in(training.keep)
    with telling(output), alone(output), _naming(training):
        _begin(chosen, output)
        if trials:
            told = _evaluate(training, trials)
            evaluation.write(output, told, csv_safe=chosen.csv_safe)
        if chosen.stage:
            return _single(training, chosen.stage, output)
        _write_model(training, output, training.model())
    return _end(training, output)


def _check(chosen: argparse.Namespace, output: Path) -> None:
    """Refuse now what would be found out after hours, and settle how many threads there are."""
    from ..errors import ConfigError
    from ..train import keep
    from ..words import extra_hint
    from ..workers import usable_cores

    if (chosen.cv or chosen.hold_out) and chosen.stage not in WRITE:
        raise ConfigError(f"--stage {chosen.stage} writes no model that --cv or --hold-out could judge")
    if chosen.seed < 0 or (chosen.workers is not None and chosen.workers < 1):
        raise ConfigError("--seed takes 0 or more, --workers 1 or more")
    chosen.workers = chosen.workers or len(usable_cores())
    for module, package in NEEDED.items():
        if find_spec(module) is None:
            raise ConfigError(f"training needs {package}: {extra_hint('train')}")
    keep.check(output, output / STAGES, finished=chosen.force or chosen.stage not in WRITE)


def _begin(chosen: argparse.Namespace, output: Path) -> None:
    """Clear the folder, which is ours now, of what others left; none of them may have finished meanwhile."""
    from ..train import keep

    keep.check(output, output / STAGES, finished=chosen.force or chosen.stage not in WRITE)
    keep.tidy(output, output / STAGES)
    if chosen.stage in WRITE:
        keep.forget_model(output)


@contextmanager
def _naming(training: Training) -> Iterator[None]:
    """Name the recordings that could not be read before the reason why nothing comes of it."""
    try:
        yield
    except BirdfastError:
        _tell(training)
        raise


def _tell(training: Training) -> None:
    for why in dict.fromkeys(training.failures.values()):
        voice.say(f"birdfast: left out: {why}")
    for remark in training.remarks:
        voice.say(f"birdfast: noted: {remark}")


def _training(chosen: argparse.Namespace, clips: Sequence[Clip]) -> Training:
    from .. import keyedvectors
    from ..tokens import Codebook
    from ..train import background, recipe, recordings, stages

    choices = recipe.load(chosen.preset, chosen.recipe)
    clips, classes = background.classes(clips, choices)
    return stages.Training(
        choices,
        clips,
        _heard(recordings.unlabelled(chosen.unlabelled), chosen),
        classes=classes,
        exclusive=all(len(clip.labels) == 1 for clip in clips),
        seed=chosen.seed,
        n_workers=chosen.workers,
        say=stages.silent if chosen.quiet else voice.say,
        bar=not chosen.quiet,
        centroids=None if chosen.centroids is None else Codebook.load(chosen.centroids).centroids,
        vectors=None if chosen.vectors is None else keyedvectors.read(chosen.vectors),
    )


def _heard(clips: Sequence[Clip], chosen: argparse.Namespace) -> list[Clip]:
    return [replace(clip, channel=chosen.channel, max_hours=chosen.max_hours) for clip in clips]


def _write_model(training: Training, output: Path, arrays: Arrays) -> None:
    from ..tables import escaped

    training.write(output, arrays, escaped(output.resolve().name))


def _single(training: Training, stage: str, output: Path) -> int:
    """Run one stage; the ones before it were run before, or come to the same."""
    found = training.codebook(again=stage == "codebook")
    if stage != "codebook":
        embeddings = training.embedding(found, again=stage == "embedding")
        if stage == "head":
            layers = training.head(found, embeddings, again=True)
            _write_model(training, output, {**found, **embeddings, **layers})
    return _end(training, output)


def _trials(chosen: argparse.Namespace, training: Training) -> list[Trial]:
    """Return what is trained to be tested, before the model is."""
    from ..train import folds

    if not (chosen.cv or chosen.hold_out):
        return []
    return folds.trials(training, *folds.parted(training.clips, chosen.hold_out, training.seed))


def _evaluate(training: Training, trials: list[Trial]) -> dict[str, Any]:
    """Train without each fold, test on it, and return what came out."""
    from .. import metrics
    from ..train import evaluation

    results: list[dict[str, Any]] = []
    for fold, without, tested in trials:
        training.say(f"fold {fold}: held out")
        with _naming(without):
            arrays = without.model()
            examples = without.examples(arrays, tested)
        what = (examples, training.recipe.pooling, arrays)
        judged = evaluation.judged(*what, training.classes, exclusive=training.softmax)
        results.append({"fold": int(fold) if fold.isdecimal() else fold, **judged})
        training.say(
            f"fold {fold}: accuracy {judged['accuracy']:.4f}, macro ROC-AUC {judged['macro_roc_auc']:.4f}"
        )
    mean = metrics.mean(results)
    training.say(f"mean: accuracy {mean['accuracy']:.4f}, macro ROC-AUC {mean['macro_roc_auc']:.4f}")
    return {"folds": results, "mean": mean}


def _end(training: Training, output: Path) -> int:
    _tell(training)
    training.say(f"written: {output}")
    return exits.SOME_FAILED if training.failures else exits.FINE
