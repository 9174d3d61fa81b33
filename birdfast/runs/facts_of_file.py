"""What is to be known of a network's file: told, read in it, or asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from .. import labels, sources
from ..config import Activation
from ..errors import ConfigError, ModelError
from ..frontends.recipe import Recipe
from ..grafting import inspection
from ..grafting.inspection import Inspected
from ..grafting.signature import OPEN, Output, scores_output, the_input
from ..models import is_name, manifest, onnxfacts
from ..models.activation import LEFT_TO_DO
from ..models.places import is_file
from . import facts_of_head, guesses
from .asking import Asking
from .told import Told, activation, rate, seconds

INSPECTORS = {".tflite": inspection.of_tflite, ".onnx": inspection.of_onnx}


class Found(NamedTuple):
    """All that is to be known: facts by a manifest's keys; the file with its labels; the recipe."""

    facts: dict[str, Any]
    labels: Path
    front_end: Recipe | None


def inspected(path: Path) -> Inspected:
    """Return what a network's file says; ModelError where it is none that can be added."""
    inspect = INSPECTORS.get(path.suffix.lower())
    if inspect is None or not is_file(path):
        why = "no such file" if inspect else "no .tflite or .onnx file"
        raise ModelError(f"{path}: {why}")
    try:
        found = inspect(path)
        the_input(found.inputs)
    except ModelError as error:
        raise ModelError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    return found._replace(metadata=onnxfacts.told(found.metadata))


def find(path: Path, network: Inspected, told: Told, asking: Asking) -> Found:
    """Return all that is to be known of a network.

    Parameters
    ----------
    path : path
    network : Inspected
        What its file says.
    told : Told
    asking : Asking

    Raises
    ------
    ModelError, ConfigError
        Something does not fit, or is not answered.
    """
    more = onnxfacts.more(path, network.metadata)
    stated: Recipe | None = more.pop("front_end", None)
    more = {key: value for key, value in more.items() if key not in onnxfacts.DETECTING}  # no manifest has it
    drawn = stated if told.front_end is None else recipe(told.front_end)
    licence = told.licence or more.get("licence") or "as its author says"
    facts = {**more, "name": told.name, "title": told.title or told.name, "licence": licence}
    facts["model"] = path.name if is_name(path.name) else f"{told.name}{path.suffix}"
    whose, facts["labels_format"] = _labels(path, network, told, asking)
    facts["labels"] = facts["model"] if whose == path else _file_name(whose)
    n_labels = len(labels.load(whose, facts["labels_format"]))
    named, output = _output(path, network, told, n_labels, asking)
    if named:
        facts["output"] = named
    of_head = facts_of_head.find(path, network, told, asking)
    if not of_head and onnxfacts.EMBEDDING in network.metadata:
        facts["embedding"] = network.metadata[onnxfacts.EMBEDDING]
    facts |= of_head or _sound(path, network, told, drawn, asking)
    facts["activation"] = told.activation or LEFT_TO_DO.get(output.ends_in, "")
    if not facts["activation"]:
        usual = guesses.activation(facts.get("window_samples", 0))
        others = [one for one in get_args(Activation) if one != usual]
        question = "what makes confidences of its scores, sigmoid, softmax or none"
        facts["activation"] = asking.ask("--activation", question, [usual, *others], activation)
    manifest.check(path, facts)
    return Found(facts, whose, drawn)


def _labels(path: Path, network: Inspected, told: Told, asking: Asking) -> tuple[Path, str]:
    """Return the file with a network's labels, looked for in the order of `models.find`, and their format."""
    usual = path.with_name(f"{path.stem}_Labels.txt")
    chosen = told.labels or (usual if is_file(usual) else None)
    if chosen is None and onnxfacts.has_classes(network.metadata):
        _check_no_column(path, told)
        return path, "onnx"
    if chosen is None:
        n_classes = {output.n_classes for output in network.outputs}
        near = [str(one) for one in guesses.labels_beside(path, n_classes)]
        chosen = asking.ask("--labels", "the file with its labels, one a line, a CSV or JSON", near, _file)
    return chosen, labels_format(chosen, told, asking)


def labels_format(chosen: Path, told: Told, asking: Asking) -> str:
    """Return the format of a file of labels, as `labels.load` has it.

    Raises
    ------
    ConfigError
        There is no such file, or nothing tells its format.
    ModelError
        It is no list of labels.
    """
    kind = labels.kind_of(_file(str(chosen)))
    if told.column and kind != "lines":
        return f"{kind}:{told.column}"
    _check_no_column(chosen, told)
    return labels.format_of(chosen, column=lambda path: _column(path, asking))


def _column(path: Path, asking: Asking) -> str:
    """Return the column of a CSV that has the names of classes: its only one, or the one that is meant."""
    columns = guesses.columns(path)
    question = f"the column of {path.name} with the names of its classes"
    return columns[0] if len(columns) == 1 else asking.ask("--column", question, columns, str)


def _check_no_column(path: Path, told: Told) -> None:
    if told.column:
        raise ConfigError(f"column: {told.column!r} does not fit {path}, which has no columns; a CSV has")


def _file_name(whose: Path) -> str:
    return whose.name if is_name(whose.name) else f"labels{whose.suffix}"


def _output(path: Path, network: Inspected, told: Told, n_labels: int, asking: Asking) -> tuple[str, Output]:
    """Return the output with the scores, behind what a manifest calls it: "" where their number tells it."""
    fitting = guesses.outputs(network.outputs, n_labels)
    there = ", ".join(map(str, network.outputs))
    if not fitting:
        raise ModelError(f"{path}: no output has the scores of {n_labels} classes; there are: {there}")

    def read(which: str) -> tuple[str, Output]:
        found = network.outputs[scores_output(network.outputs, which, n_labels)]
        if found.n_classes not in (n_labels, OPEN):
            raise ModelError(f"output = {which!r} is {found}, and there are {n_labels} labels")
        return which, found

    named = told.output or network.metadata.get(onnxfacts.OUTPUT, "")
    try:
        return read(named)
    except ModelError as error:
        if named:
            raise ModelError(f"{path}: {error}") from error
    if len(fitting) == 1:  # its length is open, or others of that length are no numbers
        return read(fitting[0])
    return asking.ask("--output", f"which output has the scores, {', '.join(fitting)}", fitting, read)


def _sound(
    path: Path, network: Inspected, told: Told, drawn: Recipe | None, asking: Asking
) -> dict[str, int]:
    """Return the rate and the window of what a network takes."""
    (taken,) = network.inputs
    held = None if drawn else taken.window_samples
    if drawn is None and held is None:
        raise ModelError(
            f"{path}: takes {taken}, which is no window of sound; if it is a picture, give the recipe that it"
            " was trained on with --front-end"
        )
    fits = not told.rate_hz and onnxfacts.number(network.metadata, onnxfacts.RATE, whole=True)
    said = onnxfacts.sound(path, network.metadata) if fits else {}  # else it is asked
    rate_hz = told.rate_hz or said.get("rate_hz", 0)
    window_s = told.window_s or onnxfacts.number(network.metadata, onnxfacts.SECONDS) or 0.0
    window_samples = held or told.window_samples
    if not rate_hz and window_samples and told.window_s:
        rate_hz = round(window_samples / told.window_s)
    if not rate_hz:
        rates = [str(one) for one in guesses.rates_hz(window_samples)] if window_samples else []
        rate_hz = asking.ask("--rate", "the sound that it takes, samples a second (Hz)", rates, rate)
    if not window_samples:
        window_s = window_s or asking.ask("--window", "the window that it takes, seconds", [], seconds)
        window_samples = round(window_s * rate_hz)
    _check_window(path, told, said, window_samples, rate_hz)
    return {"rate_hz": rate_hz, "window_samples": window_samples}


def _check_window(path: Path, told: Told, said: Mapping[str, int], window_samples: int, rate_hz: int) -> None:
    """Refuse a length that was told, or else one that the file itself says, and is not that of the input."""
    wanted = told.window_samples or round(told.window_s * rate_hz) or said.get("window_samples", 0)
    if wanted and wanted != window_samples:
        raise ModelError(f"{path}: takes windows of {window_samples:,} samples, not {wanted:,}")


def recipe(path: Path) -> Recipe:
    """Read the recipe of a front end: a file of its keys, or one with a table of them.

    Raises
    ------
    ConfigError
        There is none in it, or one that cannot be.
    """
    told: Mapping[str, Any] = sources.toml(path, ConfigError)
    try:
        table = told.get("front_end", told)
        if not isinstance(table, dict):
            raise ConfigError("front_end is no table")
        return Recipe.of(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _file(text: str) -> Path:
    if not is_file(text):
        raise ConfigError(f"{text}: no such file of labels")
    return Path(text)
