"""Class labels: what the columns of a network's scores mean."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import sources
from .arrays import Rows
from .errors import ModelError
from .outcomes import Detection
from .sources import onnxfile, ordered

KEYS = ("id2label", "label2id", "classes", "class_names", "labels", "names", "species")  # of JSON, by usage
NO_LISTS = (".tsv", ".xml", ".yaml", ".yml", ".pbtxt")  # and text all the same
SHOWN = 5  # columns and keys in a message
FORMATS = "lines, csv:COLUMN, csv:SCIENTIFIC+COMMON, json, json:KEY, onnx or toml"
BIRDNETS = re.compile(r"([A-Z][a-z-]+ [a-z-]+)_(.+)")  # Genus species_Common name


@dataclass(frozen=True)
class Labels:
    """Scientific and common names, in the order of the network's classes.

    A class that is no species (an engine, a dog's bark) has its one name in both places. `space` is what
    the label space is called; "" where it is the only one.
    """

    scientific: tuple[str, ...]
    common: tuple[str, ...]
    space: str = ""

    def __len__(self) -> int:
        return len(self.scientific)


def named(spaces: Sequence[Labels], detections: Rows, path: str, model: str) -> Iterator[Detection]:
    """Give detections their names, their file and their model.

    Parameters
    ----------
    spaces : sequence of Labels
        The model's label spaces.
    detections : [n] of `outcomes.DETECTION`
    path, model : str
    """
    for start_s, end_s, channel, number, index, confidence in detections.tolist():
        space = spaces[number]
        scientific, common = space.scientific[index], space.common[index]
        yield Detection(start_s, end_s, scientific, common, confidence, path, model, channel, space.space)


def load(path: Path, labels_format: str = "lines", space: str = "") -> Labels:
    """Read a labels file.

    Parameters
    ----------
    path : path
    labels_format : str
        "lines": one `Scientific_Common` a line, as BirdNET has it; "csv:COLUMN": that column of a
        CSV with a header, as Perch and YAMNet have it, or "csv:SCIENTIFIC+COMMON" two of them, as BirdNET
        3.0 has them; both in the order of the table's index, if it has one (`sources.ordered`); "json": a
        list of names, or an object of names by number or of numbers by name; "json:KEY": such a one under
        that key of an object, as `id2label` in Hugging Face's config.json; "onnx": the network's own file,
        which is `path`, tells `classes`; "toml": the list `classes` of a trained model's manifest, each a
        name, or one as BirdNET has them (`Genus species_Common name`).
    space : str
        What the label space is called.

    Returns
    -------
    Labels
        As `composed` has them.

    Raises
    ------
    ModelError
        The file is missing, not UTF-8, empty, or lacks the column.
    """
    if labels_format == "lines":
        names = [line.strip() for line in sources.text(path, ModelError).splitlines() if line.strip()]
    elif labels_format == "toml":
        names = _classes(path)
    elif labels_format.startswith("json"):
        names = _listed(path, _json(path), labels_format[len("json:") :])
    elif labels_format == "onnx":
        told = onnxfile.metadata(path).get("classes", "")
        names = _listed(path, _parsed(path, told, "classes that name its classes by number"))
    else:
        names = _columns(path, labels_format.removeprefix("csv:").split("+"))
    if not names:
        raise ModelError(f"{path}: no labels in it")
    pairs = [_pair(composed(name), labels_format) for name in names]
    return Labels(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs), space)


def is_format(labels_format: str) -> bool:
    """Whether `load` knows a format."""
    return re.fullmatch("lines|csv:.+|json(:.+)?|onnx|toml", labels_format) is not None


def kind_of(path: Path) -> str:
    """Return the kind of format that a file's name tells, "csv", "json" or "lines"; ModelError for others."""
    suffix = path.suffix.lower()
    if suffix in NO_LISTS:
        raise ModelError(f"{path}: labels are a list (.txt, a name a line), a CSV or a JSON file")
    return suffix[1:] if suffix in (".csv", ".json") else "lines"


def format_of(path: Path, usual: str = "", column: Callable[[Path], str] | None = None) -> str:
    """Return how a file of labels is read, where nothing tells it.

    Parameters
    ----------
    path : path
    usual : str
        The format of others of that model, which stands where the file has such columns or such a key.
    column : callable or None
        What tells the column of a CSV.

    Raises
    ------
    ModelError
        The file cannot be read, is no list, or is a CSV whose column nobody tells.
    """
    kind, (usual_kind, _, usual_key) = kind_of(path), usual.partition(":")
    if kind == "csv":
        if column is not None:
            return f"csv:{column(path)}"
        there = [*filter(None, table(path)[0][1])]
        if usual_kind == kind and {*usual_key.split("+")} <= {*there}:
            return usual
        its = f"one of its columns, {_some(there)}"
        raise ModelError(f'{path}: a CSV needs labels_format = "csv:COLUMN" in a model.toml: {its}')
    if kind == "json":
        lists, wanted = _lists(_json(path)), [usual_key] if usual_kind == kind else []
        keys = [key for key in (*wanted, *KEYS) if key in lists]
        return f"json:{keys[0]}" if keys else "json"
    return kind


def table(path: Path, columns: Sequence[str] = ()) -> ordered.Rows:
    """Return the rows of a CSV of labels, one at least, each with the number of its last line.

    Commas part its columns, or semicolons where its header has no comma.

    Raises
    ------
    ModelError
        The file cannot be read, lacks one of the columns, or has no rows.
    """
    head = sources.text(path, ModelError, sources.TABLE_BYTES).partition("\n")[0]
    delimiter = ";" if ";" in head and "," not in head else ","
    rows = [*sources.table(path, columns, ModelError, delimiter)]
    if not rows:
        raise ModelError(f"{path}: no labels in it")
    return rows


def composed(name: str) -> str:
    """Return a name in the one spelling (NFC) of those that look alike: an accent is part of its letter."""
    return unicodedata.normalize("NFC", name)


def _pair(name: str, labels_format: str) -> tuple[str, str]:
    """Return a class's scientific and common name: only BirdNET's lists have both in one."""
    scientific, _, common = name.partition("_")
    told = labels_format in ("toml", "onnx") or labels_format.startswith("json")
    birdnets = labels_format == "lines" or "+" in labels_format or (told and BIRDNETS.fullmatch(name))
    return (scientific, common) if birdnets and scientific and common else (name, name)


def _classes(path: Path) -> list[str]:
    try:
        return [str(name) for name in sources.toml(path, ModelError)["classes"]]
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: no list of classes in it ({error})") from error


def _columns(path: Path, columns: Sequence[str]) -> list[str]:
    """Return one column of a CSV, or two as BirdNET has them in one."""
    rows = ordered.by_index(path, table(path, columns), columns)
    return ["_".join(row[column] for column in columns if row[column]) for row in rows]


def _json(path: Path) -> Any:
    return _parsed(path, sources.text(path, ModelError), "JSON")


def _parsed(path: Path, text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: no {what} ({error})") from error


def _lists(told: Any) -> list[str]:
    """Return the keys of an object that have a list or an object, which may name classes."""
    return [key for key in told if isinstance(told[key], list | dict)] if isinstance(told, dict) else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _listed(path: Path, told: Any, key: str = "") -> list[str]:
    """Return names that JSON tells: a list, or an object of them by number or of numbers by them."""
    try:
        found = told[key] if key else told
        if isinstance(found, dict):
            found = _by_number(found)
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise TypeError("no list of names")
    except (KeyError, TypeError, ValueError) as error:
        keys = _some(_lists(told))
        other = keys and f'; labels_format = "json:KEY", or --column of models add, takes one of {keys}'
        raise ModelError(
            f"{path}: no {key or 'classes'} that name its classes by number ({error}){other}"
        ) from error
    return found


def _by_number(told: Mapping[str, Any]) -> list[Any]:
    """Return names that are numbered from 0 or 1, on either side; KeyError where they are not."""
    if all(type(n) is int or (type(n) is float and n.is_integer()) for n in told.values()):
        if len({*told.values()}) < len(told):
            raise ValueError("two have one number")
        told = {str(int(number)): name for name, number in told.items()}
    first = 0 if "0" in told else 1
    return [told[str(number)] for number in range(first, first + len(told))]
