"""A model: what a network wants, and its files; models.toml has the facts of those that everybody knows."""

from __future__ import annotations

import dataclasses
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from .. import labels, sources
from ..config import Activation, GraphEnd, Normalization
from ..errors import ModelError
from ..labels import Labels
from ..runtimes import litert
from ..words import extra
from .places import folders

Kind = Literal["tflite", "stsg"]
# By what a graph has done: the softmax of a softmax's logarithms is the softmax itself.
LEFT_TO_DO: dict[str, Activation] = {
    "sigmoid": "none",
    "softmax": "none",
    "log-softmax": "softmax",
    "bounded": "none",
}


class Digests(NamedTuple):
    """The SHA-256 of a network's file and of its labels, in hex: what is meant by a model's name."""

    network: str
    labels: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network: what it wants, and where its files are.

    Attributes
    ----------
    name, title : str
        What a user types, and reads.
    kind : "tflite" or "stsg"
        What its file is: a TFLite network, or the manifest of a model that birdfast trained.
    licence, licence_url, source : str
    rate_hz, window_samples, step_samples : int
        What sound it takes, and the usual step from window to window; 0: not known yet.
    normalization : "none", "hoplite" or "zoo"
        Of a window's level, before the network.
    activation : "sigmoid", "softmax" or "none"
        From the network's scores to confidences; "none" where its graph has done it; "": not told, the
        graph's end decides.
    output : str
        The name of the output with the scores, where there are several, or a part of it that no other has.
    embedding_samples, n_classes : int
        Lengths of the embedding and of the scores; 0: not told.
    model, labels : str
        File names in a folder of the name, or of the package.
    labels_format : "lines", "csv:COLUMN" or "toml"
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

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs its kind; "" where birdfast itself does."""
        return litert.version() if self.kind == "tflite" else ""

    def digests(self) -> Digests:
        """Return what its files hold now.

        Raises
        ------
        ModelError
            One of them cannot be read.
        """
        return Digests(*(sources.sha256(path, ModelError) for path in (self.path, self.labels_path)))

    def label_spaces(self) -> tuple[Labels, ...]:
        """Return what its classes are called.

        Raises
        ------
        ModelError
            See `labels.load`.
        """
        return (labels.load(self.labels_path, self.labels_format),)

    def how_to_get(self) -> str:
        """Say what to do when the files are missing."""
        if self.extra:
            return f"{self.title} is not installed; it comes with an extra, {extra(self.extra)}"
        return (
            f"{self.title} is not here; get {self.model} and {self.labels} from {self.source}"
            f" and put them into {folders()[0] / self.name}"
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
            than it was said to; or its graph ends in an activation, and another was said to follow. Where
            its scores are only seen to lie between 0 and 1, what was said is done, with a RuntimeWarning.
        """
        if self.window_samples not in (0, window_samples):
            raise ModelError(
                f"{self.path}: takes windows of {window_samples} samples, not {self.window_samples}"
            )
        activation = self._activation_after(ends_in)
        if self.rate_hz:
            told = {"window_samples": window_samples, "activation": activation or "sigmoid"}
            return dataclasses.replace(self, **told)  # type: ignore[arg-type]
        for known in listed().values():
            if known.window_samples == window_samples:
                facts = ("rate_hz", "window_samples", "step_samples", "normalization")
                taken = {fact: getattr(known, fact) for fact in facts}
                usual = "sigmoid" if (known.activation, ends_in) == ("none", "none") else known.activation
                return dataclasses.replace(self, **taken, activation=activation or usual)
        raise ModelError(
            f"{self.path}: takes windows of {window_samples} samples, which tells no known kind of network;"
            f" put it into a folder with a model.toml that gives rate_hz, activation and labels"
        )

    def _activation_after(self, ends_in: GraphEnd) -> Activation | Literal[""]:
        """Return what is left to do to scores after the end of the graph, "" where nothing tells."""
        left = LEFT_TO_DO.get(ends_in)
        against = self.activation and left and self.activation != left
        if against and ends_in == "bounded":
            warnings.warn(
                f"{self.path}: its scores can only lie between 0 and 1, which confidences do; they are taken"
                f' as logits, since activation = "{self.activation}" was told',
                RuntimeWarning,
                stacklevel=2,
            )
        elif against:
            raise ModelError(
                f'{self.path}: its graph ends in a {ends_in}, and activation = "{self.activation}" was told;'
                f' it takes "{left}"'
            )
        return self.activation or left or ""


def check_unchanged(models: Sequence[Model], meant: Sequence[Digests]) -> None:
    """Refuse models whose files hold something else than they did.

    Raises
    ------
    ModelError
        The message names the file; or one cannot be read.
    """
    for model, digest in zip(models, meant, strict=True):
        files = (model.path, model.labels_path)
        for path, now, then in zip(files, model.digests(), digest, strict=True):
            if now != then:
                raise ModelError(
                    f"{path}: was replaced or changed since the workers were started (its SHA-256 is"
                    f" {now[:12]}..., no longer {then[:12]}...)"
                )


def with_files(model: Model, path: Path, labels_path: Path) -> Model:
    """Return a network whose files lie elsewhere."""
    return dataclasses.replace(model, path=path, labels_path=labels_path)


@cache
def listed() -> Mapping[str, Model]:
    """Return the networks of models.toml by name, wherever their files are."""
    facts = tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))
    return {name: Model(name=name, **wanted) for name, wanted in facts.items()}
