"""Find the species in recordings, and write them to tables.

INPUT is audio files, folders (searched for audio files, with all below them) or .txt files that
list paths, one a line, seen from the folder you are in. The results go to the output folder:

  detections.csv      what was heard: seconds, names, confidence, file (as BirdNET-Analyzer has it)
  detections.parquet  the same with full precision and the run's settings, with --rtype parquet
  failures.csv        the files that could not be analysed to their end, and why; empty if none

What was heard in the readable parts of a file that failed is kept. The tables appear when the run is
complete: one that is interrupted leaves those of the run before.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import Options
    from ..models import Model

HELP = "find the species in recordings"
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
        help="kinds of table, joined by commas: csv, parquet (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        "--threads",
        type=_positive,
        metavar="N",
        help="worker processes (default: the physical cores that may be used)",
    )
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="print errors only")
    talk.add_argument(
        "--progress", action="store_true", default=None, help="a progress bar, even if this is no terminal"
    )


def run(chosen: argparse.Namespace) -> int:
    """Analyse the recordings and return the exit code."""
    from .. import inputs, models, tables
    from ..config import Options
    from ..report import counted

    options = Options(
        min_confidence=chosen.min_conf,
        top_k=chosen.top_k,
        sensitivity=chosen.sensitivity,
        overlap_s=chosen.overlap,
        step_s=chosen.step,
        tail=chosen.tail,
        normalization=chosen.normalization,
        graft=chosen.graft,
    )
    kinds = list(dict.fromkeys(kind.strip() for kind in chosen.rtype.split(",")))
    for kind in kinds:
        tables.check(kind)
    model = models.find(chosen.model, chosen.labels)
    paths = inputs.find(chosen.inputs)
    output = _output_folder(chosen.output)
    if not chosen.quiet:
        print(f"{model.title} ({model.licence}); {counted(len(paths), 'file')}", file=sys.stderr)
    return _analyse(chosen, paths, model, options, kinds, output)


def _analyse(
    chosen: argparse.Namespace,
    paths: list[str],
    model: Model,
    options: Options,
    kinds: list[str],
    output: Path,
) -> int:
    from .. import labels, tables
    from ..pipeline import rows
    from ..report import Report
    from ..workers import Pool

    names = labels.load(model.labels_path, model.labels_format)
    with ExitStack() as stack:
        # Workers first: they load their networks while the tables are opened and the files sized.
        pool = stack.enter_context(Pool(paths, model, options, chosen.workers))
        metadata = _metadata(model, options)
        if options.graft and not chosen.quiet and model.path.suffix == ".tflite":
            _say_if_unprepared(model, metadata["model_sha256"])
        written = [stack.enter_context(tables.open_table(output, kind, metadata)) for kind in kinds]
        failures = stack.enter_context(tables.FailuresTable(output / "failures.csv"))
        report = stack.enter_context(Report(paths, chosen.began, bar=chosen.progress, quiet=chosen.quiet))
        for file, outcome in pool:
            for table in written:
                table.write(rows(paths[file], outcome.detections, names))
            failure = report.add(file, outcome)
            if failure is not None:
                failures.write(failure)
    for note in pool.notes:
        print(f"birdfast: {note}", file=sys.stderr)
    if not chosen.quiet:
        places = ", ".join(str(table.path) for table in (*written, failures))
        print(f"{report.summary()}\nwritten: {places}", file=sys.stderr)
    return report.exit_code


def _say_if_unprepared(model: Model, sha256: str) -> None:
    from .. import models, sessions

    if not sessions.is_prepared(sha256, models.cache_folder()):
        print(f"preparing {model.title} for speed, once: some seconds", file=sys.stderr)


def _metadata(model: Model, options: Options) -> dict[str, str]:
    """Return what makes a table's rows comparable with another's."""
    import json

    from .. import __version__

    return {
        "birdfast_version": __version__,
        "model": model.name,
        "model_sha256": model.sha256(),
        "model_licence": model.licence,
        "options": json.dumps(options.as_dict()),
    }


def _output_folder(name: str) -> Path:
    from ..errors import ConfigError

    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be the output folder ({error.strerror})") from error
    return folder


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
