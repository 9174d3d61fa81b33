"""A model: what a network wants, and its files; models.toml has the facts of those that everybody knows."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .. import sources
from ..config import GraphEnd
from ..errors import ModelError
from ..labels import Labels
from ..runtimes import litert, onnx
from ..words import extra_hint
from . import kinds
from .activation import activation_after
from .facts import Facts
from .kinds import Digests
from .labelspace import folded, labels_of
from .places import folders, is_file

RUNTIMES = {"tflite": litert, "onnx": onnx}


@dataclass(frozen=True, kw_only=True)
class Model(Facts):
    """A network: what it wants, where its files are, and what it stands on.

    Attributes
    ----------
    backbone : Model or None
        What a head stands on: it takes the sound that this takes.
    parts : tuple of Model
        Of networks that are joined: each of them, in the order of their embeddings; see `joining`.
    """

    backbone: Model | None = None
    parts: tuple[Model, ...] = ()

    @property
    def found(self) -> bool:
        """Whether its files lie on this machine, and its backbone's."""
        return all(is_file(path) for path in self.files)

    @property
    def files(self) -> tuple[Path, ...]:
        """What decides its scores and their names: its network, its labels, its backbone, and more labels."""
        below = (path for one in self.below for path in (one.path, *one.counted))
        return (self.path, self.labels_path, *below, *self.more_labels)

    @property
    def below(self) -> tuple[Model, ...]:
        """The whole networks that a head stands on: one, or several that are joined; none of all others."""
        return () if self.backbone is None else self.backbone.parts or (self.backbone,)

    @property
    def heavy(self) -> tuple[Model, ...]:
        """The networks that hear sound: those below a head, which is small itself, or itself."""
        return self.below or (self,)

    @property
    def stands_on(self) -> str:
        """What a head stands on, in words."""
        return " and ".join(self.on)

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
        below = [
            (one.sha256(), *(sources.sha256(path, ModelError) for path in one.counted)) for one in self.below
        ]
        return Digests(self.sha256(), sources.sha256(self.labels_path, ModelError), below, more)

    def sha256(self) -> str:
        """Return the SHA-256 of its network's files, or of those that are joined; errors as `digests`."""
        if self.parts:
            return kinds.digest_of([part.sha256() for part in self.parts])
        return kinds.digest(self.path, self.kind)

    def class_names(self) -> tuple[Labels, ...]:
        """Return what its classes are called, by label space; errors as `labels.load`.

        Networks that are joined have none.
        """
        if self.parts:
            return ()
        return labels_of(self.label_spaces, self.labels_path, self.more_labels, self.labels_format)

    def check_thresholds(self, n_classes: int) -> None:
        """Raise ModelError if thresholds or background are of other classes than those of its labels."""
        if len(self.thresholds) not in (0, n_classes) or self.background >= n_classes:
            raise ModelError(f"{self.path}: its thresholds are of other classes than its {n_classes} labels")

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
    *,
    front_end: Mapping[str, Any] | None = None,
    backbone: Mapping[str, Any] | None = None,
    parts: Sequence[Mapping[str, Any]] = (),
    **told: Any,
) -> Model:
    """Return a model of what a manifest tells, or a worker is told: what it is made of are tables.

    Raises
    ------
    ConfigError
        They do not fit.
    """
    told |= {key: Path(told[key]) for key in ("path", "labels_path") if key in told}
    lists = ("on", "on_sha256", "alternatives", "post", "thresholds")
    told |= {key: tuple(told.get(key, ())) for key in lists}
    told["backbone"] = None if backbone is None else described(**backbone)
    told["parts"] = tuple(described(**part) for part in parts)
    if front_end is not None:
        from ..frontends.recipe import Recipe

        told["front_end"] = Recipe.of(front_end)
    return Model(**folded(told))
