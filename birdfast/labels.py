"""Class labels: what the columns of a network's scores mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import sources
from .arrays import Rows
from .errors import ModelError
from .outcomes import Detection
from .sources import composed, numbered, onnxfile, ordered

KEYS = ("id2label", "label2id", "classes", "class_names", "labels", "names", "species")  # of JSON, by usage
NO_LISTS = (".tsv", ".xml", ".yaml", ".yml", ".pbtxt")  # and text all the same
FORMATS = "lines, csv:COLUMN, csv:SCIENTIFIC+COMMON, json, json:KEY, onnx or toml"
# Genus species_Common name, or of no species one word twice; and how many of BirdNET's lists are so.
BIRDNETS = re.compile(r"[A-Z][a-z-]+ [a-z-]+_.+|([^_]+)_\1", re.DOTALL)
NEARLY_ALL = 0.9
DELIMITERS = "\t,;|"  # of tables, by what their headers have

Named = tuple[str, list[str]]  # where a class stands, and its name, or its scientific and its common one


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
        "lines": a name a line; "csv:COLUMN": that column of a CSV with a header, as Perch and YAMNet have
        it, or "csv:SCIENTIFIC+COMMON" two of them, as BirdNET 3.0 has them; both in the order of the
        table's index, if it has one (`sources.ordered`); "json": a list of names, or an object of names by
        number or of numbers by name; "json:KEY": such a one under that key of an object, as `id2label` in
        Hugging Face's config.json; "onnx": the network's own file, which is `path`, tells `classes`;
        "toml": the list `classes` of a trained model's manifest. A name of any format may be both as BirdNET
        has them, `Genus species_Common name`.
    space : str
        What the label space is called.

    Returns
    -------
    Labels
        As `composed` has them.

    Raises
    ------
    ModelError
        The file is missing, not UTF-8, empty, or lacks the column; or a class has no name.
    """
    if labels_format == "lines":
        every = _lines(path)
    elif labels_format.startswith("csv:"):
        every = _columns(path, labels_format.removeprefix("csv:"))
    else:
        every = [(f"class {number}", [name]) for number, name in enumerate(_listed(path, labels_format))]
    if not every:
        raise ModelError(f"{path}: no labels in it")
    for named in every:
        _check(path, named)
    pairs = [*_pairs([[*map(composed, names)] for _, names in every])]
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
        there = header(path)
        if usual_kind == kind and {*usual_key.split("+")} <= {*there}:
            return usual
        raise ModelError(
            f'{path}: a CSV needs labels_format = "csv:COLUMN" in a model.toml, which `birdfast models add`'
            f" makes: one of its columns, {numbered.some(there)}"
        )
    if kind == "json":
        lists = numbered.lists(numbered.parsed(path, sources.text(path, ModelError)))
        wanted = [usual_key] if usual_kind == kind else []
        keys = [key for key in (*wanted, *KEYS) if key in lists]
        return f"json:{keys[0]}" if keys else "json"
    return kind


def header(path: Path) -> list[str]:
    """Return what the columns of a CSV of labels are called; errors as `table`."""
    for _, row in _rows(path):
        return [*filter(None, row)]
    raise ModelError(f"{path}: no labels in it")


def table(path: Path, columns: Sequence[str] = ()) -> ordered.Rows:
    """Return the rows of a CSV of labels, one at least, each with the number of its last line.

    Its header tells what parts its columns: a tab, a comma, a semicolon or a bar, the first of them in it.

    Raises
    ------
    ModelError
        The file cannot be read, lacks one of the columns, or has no rows.
    """
    rows = [*_rows(path, columns)]
    if not rows:
        raise ModelError(f"{path}: no labels in it")
    return rows


def twice(space: Labels) -> list[str]:
    """Return the names that several classes of a space have, in both places."""
    every = Counter(zip(space.scientific, space.common, strict=True))
    return [scientific for (scientific, _), n_classes in every.items() if n_classes > 1]


def _rows(path: Path, columns: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    head = sources.text(path, ModelError, sources.TABLE_BYTES).partition("\n")[0]
    delimiter = next((one for one in DELIMITERS if one in head), ",")
    return sources.table(path, columns, ModelError, delimiter)


def _lines(path: Path) -> list[Named]:
    lines = enumerate(sources.text(path, ModelError).splitlines(), 1)
    return [(f"line {number}", [line.strip()]) for number, line in lines if line.strip()]


def _listed(path: Path, labels_format: str) -> list[str]:
    if labels_format == "toml":
        return _classes(path)
    if labels_format == "onnx":
        told, what = onnxfile.metadata(path).get("classes", ""), "classes that name its classes by number"
        return numbered.listed(path, numbered.parsed(path, told, what))
    told = sources.text(path, ModelError)
    return numbered.listed(path, numbered.parsed(path, told), labels_format[len("json:") :])


def _classes(path: Path) -> list[str]:
    try:
        return [str(name) for name in sources.toml(path, ModelError)["classes"]]
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: no list of classes in it ({error})") from error


def _columns(path: Path, told: str) -> list[Named]:
    """Return one column of a CSV, or two, whose cells stand for each other where one is blank."""
    there = header(path)
    columns = [told] if told in there else told.split("+", 1)
    rows = ordered.by_index(path, table(path, columns), columns)
    return [(f"line {line}", [*filter(str.strip, (row[one] for one in columns))]) for line, row in rows]


def _check(path: Path, named: Named) -> None:
    """Refuse a class that no table could name."""
    where, names = named
    if not "".join(names).strip():
        raise ModelError(f"{path}: {where}: a class without a name")
    try:
        "".join(names).encode()
    except UnicodeEncodeError as error:
        raise ModelError(f"{path}: {where}: {names[0]!r} is no text (half of a character)") from error


def _pairs(every: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield scientific and common names: of a name that is one, its parts where BirdNET has both in one.

    Whether its lists do so shows in nearly all of their names, and then the others are read so, too.
    """
    one_each = [name for name, *common in every if not common]
    halves = [name for name in one_each if all(_parted(name))]
    n_birdnets = sum(BIRDNETS.fullmatch(name) is not None for name in halves)
    all_are = n_birdnets >= NEARLY_ALL * len(halves)
    for name, *common in every:
        if common:
            yield name, common[0]
        elif all(_parted(name)) and (all_are or BIRDNETS.fullmatch(name)):
            yield _parted(name)
        else:
            yield name, name


def _parted(name: str) -> tuple[str, str]:
    return name.partition("_")[::2]
