"""What options take: read from text, and refused in words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from .. import config
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..models import Model
    from ..workers.scratch import Scratch


def csv_safe(parser: argparse._ActionsContainer) -> None:
    """Declare what is done to names for those who open tables of strangers' recordings."""
    parser.add_argument(
        "--csv-safe",
        action="store_true",
        help="put an apostrophe before names and words in CSV tables that begin with = + - @, a tab or a"
        " carriage return, which a spreadsheet would run as a formula, be it behind apostrophes: without the"
        " first one it is the name again (default: as they are)",
    )


DEFAULT_MODEL = "birdnet-2.4"
ITS_OWN = "-"  # in the place of a file of labels


def models(parser: argparse._ArgumentGroup) -> None:
    """Declare which models are to hear recordings."""
    parser.add_argument(
        "--model",
        action="append",
        metavar="MODEL",
        help="a name from `birdfast models`, a .tflite or .onnx file or a folder with one, or a folder that"
        " `birdfast train` or `birdfast models add` wrote; given repeatedly, all hear the sound in one pass,"
        f" and a column says who heard what (default: {DEFAULT_MODEL})",
    )
    parser.add_argument(
        "--labels",
        action="append",
        metavar="FILE",
        help="a network's labels (default: its own, of a file <stem>_Labels.txt beside it); of several models"
        f" one for each, in the order of the models, and {ITS_OWN} for its own",
    )


def engine(parser: argparse._ActionsContainer, default: str | None = None) -> None:
    """Declare what is to run networks. A default of None lets the command see whether it was given."""
    parser.add_argument(
        "--runtime",
        choices=get_args(config.Runtime),
        default=default,
        help="what runs the network: litert TFLite ones, onnxruntime ONNX ones, and openvino both, where it"
        " gives the same scores (default: auto, the first two)",
    )
    parser.add_argument(
        "--precision",
        choices=get_args(config.Precision),
        default=default and config.AUTO.precision,
        help="what it computes in; bf16 takes openvino and a CPU that has it, gives other scores, and may be"
        " faster: `birdfast optimize MODEL --report` counts what it changes (default: f32)",
    )


def listening(chosen: argparse.Namespace) -> list[Model]:
    """Return the models that --model and --labels name."""
    from ..models import check_several, find_all

    labels = chosen.labels and [None if name == ITS_OWN else name for name in chosen.labels]
    found = find_all(chosen.model or [DEFAULT_MODEL], labels)
    check_several(found)
    return found


def max_hours(
    parser: argparse._ActionsContainer, longer: str, default: float | None = config.MAX_HOURS
) -> None:
    """Declare how long a recording may be; `longer` says what becomes of one that is longer.

    A default of None lets the command see whether the option was given.
    """
    parser.add_argument(
        "--max-hours",
        type=hours,
        default=default,
        metavar="H",
        help="how much of a recording is heard, as a small file may decode to days; a longer one"
        f" {longer} (default: {config.MAX_HOURS:g})",
    )


def text(given: str) -> str:
    """Read what an argument without a type of its own takes, as most names do (`__main__` sees to that).

    What a script's unset variable leaves names nothing: no option that was not given, and no folder at all.
    """
    if not given:
        raise argparse.ArgumentTypeError("it is empty, as an unset variable leaves it")
    return given


def here(given: str, what: str = "what lies on this machine") -> str:
    """Read a name of something that is here: as a path a URL would pass for that, too."""
    if "://" in given:
        raise argparse.ArgumentTypeError(f"{given!r} is a URL; it takes {what}")
    return text(given)


def folder(given: str) -> Path:
    """Read the name of a folder of this machine."""
    return Path(here(given, "a folder of this machine"))


def file(given: str) -> Path:
    """Read the name of a file of this machine."""
    return Path(here(given, "a file of this machine"))


def hours(text: str) -> float:
    """Read what --max-hours takes."""
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours") from error
    try:
        return config.hours("max_hours", number)
    except ConfigError as error:
        most = f"{config.MOST_HOURS:,}"
        raise argparse.ArgumentTypeError(
            f"{text} hours do not fit; it takes a second (1/3600, 0.00028) to {most} hours"
        ) from error


def kinds(given: str | Sequence[str]) -> tuple[str, ...]:
    """Read what --rtype takes: kinds joined by commas, once or several times."""
    from .. import tables

    words = [given] if isinstance(given, str) else given
    named = [kind.strip() for word in words for kind in word.split(",")]
    found = tuple(dict.fromkeys(tables.ALIASES.get(kind, kind) for kind in named))
    for kind in found:
        tables.check(kind)
    return found


def per_file(parser: argparse._ActionsContainer) -> None:
    """Declare that each recording gets its own tables."""
    parser.add_argument(
        "--per-file",
        action="store_true",
        help="a table for each recording, in folders as theirs and under their names with BirdNET-Analyzer's"
        " endings, as a/dawn.BirdNET.results.csv; scores, embeddings and a submission stay as they are"
        " (default: a table for all)",
    )


def rtype(parser: argparse._ActionsContainer, default: str | None = "csv", **how: Any) -> None:
    """Declare which tables are written; `how` is further said to argparse."""
    parser.add_argument(
        "--rtype",
        default=default,
        metavar="KINDS",
        help="kinds of table, joined by commas: csv, combined (csv by BirdNET-Analyzer's name), parquet,"
        " raven (or table), raven3, audacity, kaleidoscope, kaleidoscope2, r, birdnet, ndjson, sqlite, wide,"
        " scores, embeddings, submission (default: csv)",
        **how,
    )


def cluster(parser: argparse._ActionsContainer) -> None:
    """Declare which other machines hear."""
    parser.add_argument(
        "--cluster",
        metavar="WHERE",
        help="hear on other machines, by Dask: tcp://HOST:PORT of its scheduler, slurm:FILE with a TOML of"
        " what dask-jobqueue asks Slurm for, or local:N; --workers are those of each machine then, and the"
        " output folder has to lie where all see it (default: here)",
    )


def scratch(parser: argparse._ActionsContainer) -> None:
    """Declare where recordings that URLs name are fetched to."""
    parser.add_argument(
        "--scratch",
        metavar="DIR",
        help="where recordings that URLs name (s3://, https://, ...) are fetched to until they are heard"
        " (default: the system's temporary folder)",
    )
    parser.add_argument(
        "--scratch-gb",
        type=real,
        metavar="N",
        help="billions of bytes that your runs take there at most (default: 4, or what is free less one)",
    )


def scratched(chosen: argparse.Namespace) -> Scratch:
    """Return what `scratch` declares."""
    from ..workers.scratch import Scratch

    return Scratch(chosen.scratch, chosen.scratch_gb)


def seconds(text: str) -> float:
    """Read what --file-timeout takes."""
    from ..workers.patience import check_timeout

    try:
        found = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from error
    try:
        check_timeout(found)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(f"{text} s does not fit; it takes 2 or more") from error
    return found


def real(text: str) -> float:
    """Read a number, NaN and infinity too: who asks says what fits."""
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error


def whole(text: str) -> int:
    """Read a whole number: who asks says what fits."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
