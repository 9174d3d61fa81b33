"""Train a model of your own: spectrogram tokens, their embeddings, and a classifier; or a head on a network.

DATA is a folder of class folders, or a CSV with the columns `file` and `label` (several labels joined
by ";"; none for background, which a folder _background has) and, if wanted, `start_s`, `end_s`, `fold` and
`group` (a site, a recordist: what is of one is never learnt from and tested on). The output folder is then a
model: birdfast infer --model MODEL/ ...

  model.toml, *.npy     the model
  stages/               what the stages found, so that a training can go on where it stopped

and with --cv or --hold-out, of recordings held out:

  evaluation.json       accuracy, macro ROC-AUC, calibration, and the clips that were missed worst
  evaluation.csv        the same, class by class
  confusion.csv         which class was taken for which: a row a class, a column for what it was taken for
  held_out.csv          the score of each class for each window; held_out_truth.csv: what it is. They are for
                        birdfast evaluate MODEL/held_out.csv --truth MODEL/held_out_truth.csv
  confusion.png         with --plots
  folds/                with --keep-folds: the model of each fold, as whole as the one of all
  whole.tflite          with --export tflite (or onnx): a head and its network as one; its labels and what it
                        is beside it

With --on NETWORK a head is trained on what a network makes of each window (its embedding): the network is
asked once a clip, and stages/ keeps what it said for the next training. Few clips go a long way then. The
model needs the network to run, and its licence holds: BirdNET's is CC BY-NC-SA 4.0. Given repeatedly, --on
joins what several networks make of the longest window of theirs; a model of tokens among them may have heard
the clips that --cv holds out. How strongly a head is held down is chosen by inner folds of what it learns
from, so that nothing is chosen by what is held out.

The three stages of tokens are codebook (whitening and k-means), embedding (skip-gram) and head (the
classifier). The same seed and recordings give the same model. How far it is, and how long it will take, is
said every 30 seconds; a loss is per token, of the same tokens each time: it should fall, and can be compared
with that of another training of the same recordings.

A first model: birdfast train clips.csv -o MODEL/ --cv; then look at evaluation.csv for the classes that are
confused, at the clips that were missed (labels may be wrong), and at birdfast tokens --model MODEL/ --picture
tokens.png. For long recordings in which several species call over noise take --preset soundscapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..modelfolder import Arrays
    from ..train.heads import HeadTraining
    from ..train.recordings import Clip
    from ..train.stages import Training

from .. import bars, voice
from ..commandline import proposed
from . import channel, exits, heads, holdout, values

HELP = "train a model on your own recordings"
NEEDED = {"numba": "numba", "sklearn": "scikit-learn", "tomli_w": "tomli-w"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("data", metavar="DATA", help="a folder of class folders, or a CSV")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="the model's folder")
    parser.add_argument(
        "--preset",
        choices=("best", "max", "soundscapes", "species", "paper"),
        help="best: for clips with one sound each; max: somewhat better there, at several times the work;"
        " soundscapes: for long recordings in which several species call over noise, it learns from mixes of"
        " the clips and from noise alone, too; species: for calls that differ little, over any background"
        " (experimental: not measured on birds); paper: exactly the published configuration (default: best)",
    )
    heads.arguments(parser)
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
    holdout.arguments(parser)
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
    from ..train import background, clock, crossvalidation, keep, leftout, recordings

    output = Path(chosen.output)
    with telling(output):
        _check(chosen, output)
    beside = (output, output / keep.WITHIN, output / keep.FOLDS)
    found = recordings.find(chosen.data, beside, n_workers=chosen.workers, bar=not chosen.quiet)
    clips = _heard(found, chosen)
    training = heads.training(chosen, clips) if chosen.on else _training(chosen, clips)
    makes_background = training.recipe.mixes.noise > 0 or background.NAME in training.classes
    for doubt in recordings.doubts(clips, knows_background=makes_background):
        training.say(f"birdfast: {doubt}")
    trials = holdout.trials(chosen, training)
    training.keep = output_folder(output / keep.WITHIN)
    training.store.keep_in(training.keep)
    watch = clock.Clock(crossvalidation.tasks(training, trials, chosen.stage), training.say)
    with telling(output), alone(output), leftout.naming(training), bars.watched(watch):
        _begin(chosen, output)
        if trials:
            holdout.evaluate(chosen, training, trials, output)
        with bars.stage("model"):
            _learn(training, chosen.stage, output)
        exported = heads.exported(chosen)
    leftout.tell(training)
    for line in (*_written(chosen, output), *exported):
        training.say(line)
    return exits.SOME_FAILED if training.failures else exits.FINE


def _check(chosen: argparse.Namespace, output: Path) -> None:
    """Refuse now what would be found out after hours, and settle how many threads there are."""
    from ..errors import ConfigError
    from ..train import keep
    from ..words import extra_hint
    from ..workers import usable_cores

    holdout.check(chosen)
    heads.check(chosen)
    chosen.preset = chosen.preset or "best"
    if chosen.seed < 0 or (chosen.workers is not None and chosen.workers < 1):
        raise ConfigError("--seed takes 0 or more, --workers 1 or more")
    chosen.workers = chosen.workers or len(usable_cores())
    for module, package in NEEDED.items():
        if find_spec(module) is None and not (chosen.on and module == "numba"):
            raise ConfigError(f"training needs {package}: {extra_hint('train')}")
    keep.check(output, output / keep.WITHIN, finished=chosen.force or chosen.stage not in holdout.WRITE)


def _begin(chosen: argparse.Namespace, output: Path) -> None:
    """Clear the folder, which is ours now, of what others left; none of them may have finished meanwhile."""
    from ..train import keep

    keep.check(output, output / keep.WITHIN, finished=chosen.force or chosen.stage not in holdout.WRITE)
    keep.tidy(output, output / keep.WITHIN)
    if chosen.stage in holdout.WRITE:
        keep.forget_model(output)
        if not chosen.keep_folds:
            keep.prepare_folds(output / keep.FOLDS, ())


def _training(chosen: argparse.Namespace, clips: Sequence[Clip]) -> Training:
    from .. import keyedvectors
    from ..tokens import Codebook
    from ..train import background, keep, recipe, recordings, stages

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
        say=keep.silent if chosen.quiet else voice.say,
        bar=not chosen.quiet,
        centroids=None if chosen.centroids is None else Codebook.load(chosen.centroids).centroids,
        vectors=None if chosen.vectors is None else keyedvectors.read(chosen.vectors),
    )


def _heard(clips: Sequence[Clip], chosen: argparse.Namespace) -> list[Clip]:
    return [replace(clip, channel=chosen.channel, max_hours=chosen.max_hours) for clip in clips]


def _learn(training: Training | HeadTraining, stage: str | None, output: Path) -> None:
    """Train what is wanted, and write the model, if it comes to one."""
    from ..train.heads import HeadTraining

    if isinstance(training, HeadTraining):
        _write_model(training, output, training.model(again=stage is not None))
    elif stage:
        _single(training, stage, output)
    else:
        _write_model(training, output, training.model())


def _write_model(training: Training | HeadTraining, output: Path, arrays: Arrays) -> None:
    from ..tables import escaped

    training.write(output, arrays, escaped(output.resolve().name))


def _single(training: Training, stage: str, output: Path) -> None:
    """Run one stage; the ones before it were run before, or come to the same."""
    found = training.codebook(again=stage == "codebook")
    if stage != "codebook":
        embeddings = training.embedding(found, again=stage == "embedding")
        if stage == "head":
            layers = training.head(found, embeddings, again=True)
            _write_model(training, output, {**found, **embeddings, **layers})


def _written(chosen: argparse.Namespace, output: Path) -> list[str]:
    """Return in words what there is now, and what to do with it."""
    lines = [f"written: {output}"]
    if chosen.stage not in holdout.WRITE:
        return lines
    if chosen.cv or chosen.hold_out:
        lines.append(f"how good it is: {output / 'evaluation.csv'}, class by class; confusion.csv beside it")
        lines.append(
            "figures there are of whole clips, the mean of folds; evaluate's of windows, all at once"
        )
    else:
        lines.append("how good it is: not tested; --hold-out 20% trains without some clips first and does")
    lines.append(f"run it: {proposed('infer', '--model', output, 'RECORDINGS', '-o', 'RESULTS')}")
    if chosen.on:
        return lines
    lines.append(f"see its tokens: {proposed('tokens', '--model', output, '--picture', 'tokens.png')}")
    if chosen.preset != "soundscapes":
        lines.append("for long recordings, in which several species call over noise: --preset soundscapes")
    return lines
