"""A checkpoint: a folder as Hugging Face has them, or a file of weights; read without torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import labels, sources
from ..config import Activation
from ..errors import ConfigError, ModelError
from ..labels import Labels
from . import architecture
from .architecture import NAMED, Architecture
from .weights import Kind, kind_of

CONFIG, README = "config.json", "README.md"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there
UNKNOWN = "unknown"
PROBLEMS: Mapping[str, Activation] = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
}
LICENCE = re.compile(
    r"""^license(?:_name)?:[ \t]*["']?([^"'#\n\[\]{}]{1,100}?)["']?[ \t]*(?:#.*)?$""", re.MULTILINE
)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes
    ----------
    path : path
        As it was named.
    weights : path
    kind : "safetensors" or "torch"
        How the weights are written.
    architecture : Architecture
    classes : tuple of str
        What its classes are called; () where it does not say.
    licence : str
        "unknown" where it does not say.
    activation : str
        What its problem_type makes of its scores; "" where it does not say.
    """

    path: Path
    weights: Path
    kind: Kind
    architecture: Architecture
    classes: tuple[str, ...] = ()
    licence: str = UNKNOWN
    activation: Activation | Literal[""] = ""


def read(path: Path, told: str = "") -> Checkpoint:
    """Read what a checkpoint says of itself.

    Parameters
    ----------
    path : path
        A folder with config.json and weights, or a file of weights.
    told : str
        The architecture, by its name or as the path of a config.json; "": that of the folder.

    Raises
    ------
    ModelError
        It cannot be read, is of a kind that is not converted, or holds more than tensors.
    ConfigError
        Nothing tells its architecture, or what is told is none.
    """
    folder = path.is_dir()
    place = _weights_in(path) if folder else path
    kind = kind_of(place)
    config = path / CONFIG if folder else None
    made = _named(told) if told else None
    if made is None and config is None:
        raise ConfigError(
            f"{path}: weights alone tell no architecture; give --architecture, one of {', '.join(NAMED)} or a"
            f" {CONFIG}"
        )
    source = Path(told) if told and told not in NAMED else config
    says = _json(source) if source is not None and source.is_file() else None
    says = says if isinstance(says, dict) else {}
    return Checkpoint(
        path,
        place,
        kind,
        made or _of_file(path / CONFIG),
        names(labels.load(source, "json:id2label")) if source is not None and "id2label" in says else (),
        _licence(path / README) if folder else UNKNOWN,
        PROBLEMS.get(str(says.get("problem_type")), ""),
    )


def names(classes: Labels) -> tuple[str, ...]:
    """Return classes by one name each, as BirdNET has them where there are two."""
    pairs = zip(classes.scientific, classes.common, strict=True)
    return tuple(one if one == other else f"{one}_{other}" for one, other in pairs)


def _weights_in(folder: Path) -> Path:
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if found:
        return found[0]
    if any(folder.glob("*.index.json")):
        raise ModelError(
            f"{folder}: its weights are in several files, which is not converted; save them as one"
        )
    raise ModelError(f"{folder}: has no {' or '.join(WEIGHTS)}")


def _named(told: str) -> Architecture:
    if told in NAMED:
        return NAMED[told]
    if not Path(told).is_file():
        raise ConfigError(f"architecture: {told!r} is none of {', '.join(NAMED)}, and no {CONFIG}")
    return _of_file(Path(told))


def _of_file(path: Path) -> Architecture:
    try:
        return architecture.of_config(_json(path))
    except ModelError as error:
        raise ModelError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error


def _json(path: Path) -> object:
    try:
        found: object = json.loads(sources.text(path, ModelError))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: no JSON ({error})") from error
    return found


def _licence(readme: Path) -> str:
    """Return what the head of a model card says, as Hugging Face writes it: license, or license_name."""
    if not readme.is_file():
        return UNKNOWN
    begin, head, *_ = [*sources.text(readme, ModelError).split("---\n", 2), "", ""]
    found = [] if begin else [name.strip() for name in LICENCE.findall(head)]
    return next((name for name in found if name.lower() != "other"), UNKNOWN)
