"""What options take: read from text, and refused in words."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import MAX_HOURS, MOST_HOURS, above_zero
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..models import Model


def csv_safe(parser: argparse.ArgumentParser) -> None:
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


def listening(chosen: argparse.Namespace) -> list[Model]:
    """Return the models that --model and --labels name."""
    from ..models import check_several, find_all

    labels = chosen.labels and [None if name == ITS_OWN else name for name in chosen.labels]
    found = find_all(chosen.model or [DEFAULT_MODEL], labels)
    check_several(found)
    return found


def max_hours(parser: argparse._ActionsContainer, longer: str) -> None:
    """Declare how long a recording may be; `longer` says what becomes of one that is longer."""
    parser.add_argument(
        "--max-hours",
        type=hours,
        default=MAX_HOURS,
        metavar="H",
        help="how much of a recording is heard, as a small file may decode to days; a longer one"
        f" {longer} (default: %(default)g)",
    )


def folder(text: str) -> Path:
    """Read the name of a folder: an empty one, of a script's unset variable, is not the working folder."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name; it takes a folder")
    return Path(text)


def hours(text: str) -> float:
    """Read what --max-hours takes."""
    try:
        return above_zero("max_hours", float(text), MOST_HOURS, "hours")
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours") from error


def kinds(text: str) -> tuple[str, ...]:
    """Read what --rtype takes."""
    from .. import tables

    found = tuple(dict.fromkeys(kind.strip() for kind in text.split(",")))
    for kind in found:
        tables.check(kind)
    return found


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


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    try:
        number = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
