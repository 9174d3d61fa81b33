"""Find the species in recordings, and write them to tables.

INPUT is audio files, folders (searched for audio files, with all below them, each folder once) or
.txt files that list paths, one a line, seen from the folder you are in. The results go to the output
folder:

  detections.csv      what was heard: seconds, names, confidence, file (as BirdNET-Analyzer has it)
  detections.parquet  the same with full precision and the run's settings, with --rtype parquet
  scores.parquet      every window's confidences of all classes, as a list, with --rtype scores
  embeddings.parquet  every window's embedding, as a list, with --rtype embeddings
  failures.csv        the files that could not be analysed to their end, and why; empty if none

  journal.sqlite      what is done: the same command goes on where a run was interrupted
  notes.csv           what was repaired to read a file, if anything was

What was heard in the readable parts of a file that failed is kept. The tables appear when the run is
complete, and are the same whether it was interrupted or not. A folder takes runs of one model and one
set of options; a file that has changed since is analysed again. Whether scores and embeddings are kept
is such an option, as the journal holds them; csv and parquet can be had of any finished folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .output import output_folder, telling

if TYPE_CHECKING:
    from ..config import Options
    from ..journal import Entry, Journal, Record
    from ..labels import Labels
    from ..models import Model
    from ..outcomes import Failure
    from ..runs.progress import Report
    from ..runs.shards import Shard
    from ..tables.table import About, Result
    from ..workers import Pool

HELP = "find the species in recordings"
SOME_FAILED = 2
DEFAULT_OUTPUT = "birdfast-results"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="audio files, folders, or .txt lists of paths"
    )
    parser.add_argument(
        "-o",
        "--output",
        default=DEFAULT_OUTPUT,
        metavar="DIR",
        help="where the tables go (default: %(default)s)",
    )
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        default="birdnet-2.4",
        metavar="MODEL",
        help="a name from `birdfast models`, a .tflite file or a folder with one, or a folder that"
        " `birdfast train` wrote (default: %(default)s)",
    )
    model.add_argument(
        "--labels", metavar="FILE", help="a .tflite file's labels (default: <stem>_Labels.txt)"
    )
    model.add_argument(
        "--normalization",
        choices=("none", "hoplite", "zoo"),
        help="change each window's level as perch-hoplite or the model zoo do (default: the model's own)",
    )
    model.add_argument(
        "--no-graft",
        dest="graft",
        action="store_false",
        help="run the network's original graph, not the faster one that is proved to say the same",
    )
    cut = parser.add_argument_group("windows").add_mutually_exclusive_group()
    cut.add_argument("--overlap", type=float, metavar="S", help="seconds that neighbouring windows share")
    cut.add_argument(
        "--step", type=float, metavar="S", help="seconds from window to window: the other way to say it"
    )
    parser.add_argument(
        "--tail",
        choices=("pad", "drop", "min-1s"),
        default="pad",
        help="a last, shorter window: pad it with silence, drop it, or drop it below 1 s"
        " (default: %(default)s)",
    )
    pick = parser.add_argument_group("scores")
    pick.add_argument(
        "--min-conf",
        "--min_conf",
        type=float,
        default=0.25,
        metavar="C",
        help="least confidence of a detection, 0 to 1 (default: %(default)s)",
    )
    pick.add_argument(
        "--top-k", "--top_n", type=int, metavar="K", help="at most K detections a window (default: no limit)"
    )
    pick.add_argument(
        "--sensitivity",
        type=float,
        default=1.0,
        metavar="S",
        help="BirdNET's sensitivity, 0.5 to 1.5; higher finds more and errs more (default: %(default)s)",
    )
    parser.add_argument(
        "--rtype",
        default="csv",
        metavar="KINDS",
        help="kinds of table, joined by commas: csv, parquet, scores, embeddings (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        "--threads",
        type=_positive,
        metavar="N",
        help="worker processes (default: the physical cores that may be used)",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="analyse one of N shares of the files, for several machines; `birdfast merge` joins the results",
    )
    trouble = parser.add_argument_group("trouble")
    trouble.add_argument(
        "--fail-fast",
        action="store_true",
        help="stop at the first file that fails, and at those that failed before: failures.csv names them",
    )
    trouble.add_argument(
        "--file-timeout",
        type=_seconds,
        metavar="S",
        help="seconds, 2 or more, that a worker may be silent at a file before it is stopped; one that works"
        " speaks each second, but not on its way into a long MP3 (default: 300, and 10 for each MB)",
    )
    again = parser.add_argument_group("an output folder that was used before")
    again.add_argument("--retry", action="store_true", help="analyse those files again that failed")
    again.add_argument("--force", action="store_true", help="start anew, and forget what was done")
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="print errors only")
    talk.add_argument(
        "--progress", action="store_true", default=None, help="a progress bar, even if this is no terminal"
    )


def run(chosen: argparse.Namespace) -> int:
    """Analyse the recordings and return the exit code."""
    from .. import inputs, models, tables
    from ..config import Options
    from ..runs import shards
    from ..runs.progress import counted

    kinds = kinds_of(chosen.rtype)
    options = Options(
        min_confidence=chosen.min_conf,
        top_k=chosen.top_k,
        sensitivity=chosen.sensitivity,
        overlap_s=chosen.overlap,
        step_s=chosen.step,
        tail=chosen.tail,
        normalization=chosen.normalization,
        graft=chosen.graft,
        keep=tuple(kind for kind in tables.DENSE if kind in kinds),
    )
    shard = shards.parse(chosen.shard) if chosen.shard else None
    model = models.find(chosen.model, chosen.labels)
    paths = inputs.find(chosen.inputs)
    output = output_folder(chosen.output)
    tables.check_places(output, kinds)
    if not chosen.quiet:
        print(f"{model.title} ({model.licence}); {counted(len(paths), 'file')}", file=sys.stderr)
    return _analyse(chosen, paths, shard, model, options, kinds, output)


def kinds_of(text: str) -> list[str]:
    """Read what --rtype takes."""
    from .. import tables

    kinds = list(dict.fromkeys(kind.strip() for kind in text.split(",")))
    for kind in kinds:
        tables.check(kind)
    return kinds


def _analyse(
    chosen: argparse.Namespace,
    paths: list[str],
    shard: Shard | None,
    model: Model,
    options: Options,
    kinds: list[str],
    output: Path,
) -> int:
    from .. import journal, tables
    from ..runs import shards
    from ..runs.facts import fingerprint
    from ..runs.progress import Report, counted
    from ..workers import Pool

    waiting: list[str] = []
    with telling(output), ExitStack() as stack:
        # Workers first: they load their networks while the journal is opened and the files sized.
        pool = stack.enter_context(Pool(waiting, model, options, chosen.workers, chosen.file_timeout))
        stack.callback(_tell, pool)
        facts = fingerprint(model, options)
        if options.graft and not chosen.quiet and model.path.suffix == ".tflite":
            _say_if_unprepared(model, facts["model"])
        widths = _widths(pool, output, forget=chosen.force) if options.keep else {}
        facts |= _beside(model, options, widths, paths, shard)
        kept = stack.enter_context(journal.Journal(output, facts, force=chosen.force))
        tables.tidy(output)
        numbers = shards.share(paths, shard) if shard else range(len(paths))
        own = [paths[number] for number in numbers]
        waiting += [own[place] for place in kept.plan(own, numbers, retry=chosen.retry)]
        if chosen.fail_fast and (failures := _failures(kept)):
            return _stop(output, failures)
        if (n_done := len(own) - len(waiting)) and not chosen.quiet:
            print(f"{counted(n_done, 'file')} done before", file=sys.stderr)
        report = stack.enter_context(
            Report(waiting, chosen.began, pool.n_workers, bar=chosen.progress, quiet=chosen.quiet)
        )
        failure = _work_off(waiting, pool, kept, report, chosen.fail_fast)
        if failure is not None:
            return _stop(output, [failure])
        written = tables.write_all(output, kinds, about(kept), _results(kept))
        standing = kept.standing()
    if not chosen.quiet:
        print(f"{report.summary()}\nwritten: {', '.join(map(str, written))}", file=sys.stderr)
    return standing.exit_code


def _tell(pool: Pool) -> None:
    """Say what the workers had to say."""
    for note in pool.notes:
        print(f"birdfast: {note}", file=sys.stderr)


def _widths(pool: Pool, output: Path, *, forget: bool) -> Mapping[str, int]:
    """Return how wide dense rows are: a journal knows, or a worker does when it is ready.

    A journal of another run may say what it likes: the run will be refused.
    """
    from ..errors import ConfigError
    from ..journal import Record

    if not forget:
        with suppress(ConfigError), Record(output) as known:
            return about(known).widths
    return pool.widths()


def _work_off(
    waiting: list[str], pool: Pool, kept: Journal, report: Report, fail_fast: bool
) -> Failure | None:
    """Write down what comes of the files; return the first failure, if that is the end."""
    from ..outcomes import Part

    for file, came in pool if waiting else ():
        if isinstance(came, Part):
            kept.keep(waiting[file], came)
            continue
        kept.add(waiting[file], came)
        report.add(file, came)
        if came.failure and fail_fast:
            return came.failure
    return None


def _failures(record: Record) -> list[Failure]:
    return [failure for _, entry in record.entries() if (failure := entry.reason())]


def _stop(output: Path, failures: list[Failure]) -> int:
    """End a run that is not to go on after a failure: without tables but that of the failures."""
    from .. import tables

    tables.write_failures(output, failures)
    print(f"birdfast: {failures[0].message}\nbirdfast: stopped, as --fail-fast says", file=sys.stderr)
    return SOME_FAILED


def about(record: Record) -> About:
    """Return what the tables say of a run."""
    import json

    from ..tables.table import About

    facts, names = record.facts(), record.names()
    return About(json.loads(facts["metadata"]), names.scientific, names.common, json.loads(facts["widths"]))


def _results(record: Record) -> Iterator[Result]:
    names, widths = record.names(), about(record).widths
    for _, entry in record.entries():
        yield result(record, entry, names, widths)


def result(record: Record, entry: Entry, names: Labels, widths: Mapping[str, int]) -> Result:
    """Return what the tables say of a file."""
    from ..tables.table import Result

    path = os.fsdecode(entry.path)
    parts = (list(names.named(path, part)) for part in record.detections(entry))
    dense = {kind: record.dense(entry, kind, width) for kind, width in widths.items()}
    return Result(path, parts, entry.reason(), entry.remarks(), dense)


def _beside(
    model: Model, options: Options, widths: Mapping[str, int], paths: list[str], shard: Shard | None
) -> dict[str, str]:
    """Return what the journal knows beside the fingerprint: all that `birdfast merge` needs."""
    import json

    from .. import labels
    from ..runs import shards

    names = labels.load(model.labels_path, model.labels_format)
    facts = {
        "names": json.dumps([names.scientific, names.common]),
        "metadata": json.dumps(_metadata(model, options)),
        "widths": json.dumps(widths),
    }
    return facts | ({"shard": str(shard), "inputs": shards.digest(paths)} if shard else {})


def _say_if_unprepared(model: Model, sha256: str) -> None:
    from .. import models
    from ..grafting import cache

    if not cache.is_prepared(sha256, models.cache_folder()):
        print(f"preparing {model.title} for speed, once: some seconds", file=sys.stderr)


def _metadata(model: Model, options: Options) -> dict[str, str]:
    """Return what makes a table's rows comparable with another's."""
    import json

    from .._version import __version__

    return {
        "birdfast_version": __version__,
        "model": model.name,
        "model_sha256": model.sha256(),
        "model_licence": model.licence,
        "options": json.dumps(options.as_dict()),
    }


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from error
    if not 2 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} s does not fit; it takes 2 or more")
    return seconds


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
