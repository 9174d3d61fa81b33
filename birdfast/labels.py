"""Class labels: what the columns of a network's scores mean."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import sources
from .arrays import Rows
from .errors import ModelError
from .outcomes import Detection
from .sources import onnxfile, ordered

KEYS = ("id2label", "label2id", "classes", "class_names", "labels", "names", "species")  # of JSON, by usage
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
        names = _listed(path, sources.text(path, ModelError), labels_format[len("json:") :])
    elif labels_format == "onnx":
        names = _listed(path, onnxfile.metadata(path).get("classes", ""))
    else:
        names = _columns(path, labels_format.removeprefix("csv:").split("+"))
    if not names:
        raise ModelError(f"{path}: no labels in it")
    pairs = [_pair(composed(name), labels_format) for name in names]
    return Labels(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs), space)


def is_format(labels_format: str) -> bool:
    """Whether `load` knows a format."""
    return re.fullmatch("lines|csv:.+|json(:.+)?|onnx|toml", labels_format) is not None


def of_json(path: Path) -> str:
    """Return the format of a JSON file of labels: by the key that it has for them, or "json" without one.

    Raises
    ------
    ModelError
        The file cannot be read, or is no JSON.
    """
    try:
        told = json.loads(sources.text(path, ModelError))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: no JSON ({error})") from error
    keys = [key for key in KEYS if isinstance(told, dict) and isinstance(told.get(key), list | dict)]
    return f"json:{keys[0]}" if keys else "json"


def delimiter(text: str) -> str:
    """Return what parts the columns of a table of labels: a semicolon where its header has no comma."""
    head = text.partition("\n")[0]
    return ";" if ";" in head and "," not in head else ","


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
    """Return one column of a CSV, or two as BirdNET has them in one: commas part them, or semicolons."""
    parted_by = delimiter(sources.text(path, ModelError, sources.TABLE_BYTES))
    rows = ordered.by_index(path, [*sources.table(path, columns, ModelError, parted_by)], columns)
    return ["_".join(row[column] for column in columns if row[column]) for row in rows]


def _listed(path: Path, told: str, key: str = "") -> list[str]:
    """Return names that JSON tells: a list, or an object of them by number or of numbers by them."""
    try:
        found = json.loads(told)
        found = found[key] if key else found
        if isinstance(found, dict):
            found = _by_number(found)
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise TypeError("no list of names")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        what = key or "classes"
        raise ModelError(f"{path}: no {what} that name its classes by number ({error})") from error
    return found


def _by_number(told: Mapping[str, Any]) -> list[Any]:
    """Return names that are numbered from 0 or 1, on either side; KeyError where they are not."""
    if all(type(number) is int for number in told.values()):
        if len({*told.values()}) < len(told):
            raise ValueError("two have one number")
        told = {str(number): name for name, number in told.items()}
    first = 0 if "0" in told else 1
    return [told[str(number)] for number in range(first, first + len(told))]
