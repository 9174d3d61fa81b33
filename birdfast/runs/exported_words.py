"""What stands beside a network that was exported: its labels, what it is, and whose weights are in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from .. import labels, sources
from .._version import __version__
from ..atomicfile import AtomicFile
from ..classifier import Classifier
from ..errors import ConfigError, ModelError
from ..frontends import recipe
from ..grafting.exporting import Kind
from ..models import Model
from ..models.model import listed

COLUMNS = 100
SHARE_ALIKE = "BY-NC-SA"
# What birdnet's load_custom takes; BirdNET-Analyzer's -c is for version 2.4 alone.
BIRDNETS = {"tflite": ("2.4", "3.0"), "onnx": ("3.0",)}
BACKENDS = {"tflite": ("tf", ', library="litert"'), "onnx": ("onnx", "")}
SIGMOID_BEHIND = ("2.4",)  # of version 3.0 it is in the graph
LICENCE_OF_BIRDNET = (
    "BirdNET's weights are licensed under Creative Commons Attribution-NonCommercial-ShareAlike 4.0: you may"
    " pass this file on, and what you make of it, under the same licence, if you name BirdNET (K. Lisa Yang"
    " Center for Conservation Bioacoustics, Cornell Lab of Ornithology, and Chemnitz University of"
    " Technology), and not for commercial purposes."
)


@dataclass(frozen=True)
class Whole:
    """A head and its network, as one.

    Attributes
    ----------
    model, on : Model
        The head, and what it is on.
    heard : Model
        The head with what is known of the sound that it takes.
    classifier : Classifier
        The head's layers.
    classes : tuple of str
        What its classes are called, as its manifest has them.
    detecting : dict
        What else that says of detections, by `onnxfacts.DETECTING`.
    """

    model: Model
    on: Model
    heard: Model
    classifier: Classifier
    classes: tuple[str, ...]
    detecting: Mapping[str, Any]

    @property
    def birdnet(self) -> str:
        """As a custom network on which version of BirdNET other programs take it; "": on none."""
        plain = self.heard.normalization == "none" and self.on.front_end is None
        for version in BIRDNETS[self.on.kind] if plain else ():
            known = listed()[f"birdnet-{version}"]
            if (known.rate_hz, known.window_samples) == (self.heard.rate_hz, self.heard.window_samples):
                return version
        return ""

    @property
    def logits(self) -> bool:
        """Whether the file gives logits, for programs that put a sigmoid behind them."""
        return self.birdnet in SIGMOID_BEHIND

    @property
    def kind(self) -> Kind:
        """What makes confidences of its logits."""
        return cast(Kind, self.model.activation)

    @property
    def licence(self) -> str:
        """What its authors let one do, in words."""
        return f"{self.licence_of_network} (the network, {self.on.title}); the head: {self.model.licence}"

    @property
    def licence_of_network(self) -> str:
        """What the network's author lets one do; of one that is told by its file, as what it looks like."""
        like = listed().get(f"birdnet-{self.birdnet}")
        known = self.on.licence != Model(name="", title="").licence
        if known or like is None or like.embedding_samples != self.classifier.n_values:
            return self.on.licence
        return f"{self.on.licence}; if it is {like.title}: {like.licence}"

    def by_length(self) -> Model | None:
        """Return what a file is taken for by the length of its windows alone; None: for nothing."""
        try:
            return Model(name="", title="").for_input(self.heard.window_samples)
        except ModelError:
            return None

    def more(self) -> dict[str, Any]:
        """Return what an ONNX file tells beside its sound and its classes, see `onnxfacts.OF_MORE`."""
        facts: dict[str, Any] = {"licence": self.licence, **self.detecting}
        facts |= {key: value for key in ("licence_url", "source") if (value := getattr(self.on, key))}
        if self.heard.step_samples not in (0, self.heard.window_samples):
            facts["step_samples"] = self.heard.step_samples
        if self.heard.normalization != "none":
            facts["normalization"] = self.heard.normalization
        if self.model.post:
            facts["post"] = list(self.model.post)
        if self.on.front_end is not None:
            facts["front_end"] = recipe.plain(self.on.front_end)
        return facts


def about(whole: Whole) -> str:
    """Return the line that is written into the network's file."""
    return f"{whole.model.title}: a head on {whole.on.title}. Licence: {whole.licence}"


def write_labels(path: Path, whole: Whole) -> None:
    """Write the names of the classes, a line each: as BirdNET has them, Scientific name_Common name.

    Where names could not be told from one another so, they stand as the head's manifest has them.

    Raises
    ------
    ConfigError
        A name cannot be on a line.
    """
    (meant,) = whole.model.class_names()
    birdnets = [f"{one}_{other}" for one, other in zip(meant.scientific, meant.common, strict=True)]
    for names in (birdnets, whole.classes):
        with AtomicFile(path, mode="w", encoding="utf-8", newline="\n") as file:
            file.stream.writelines(f"{name}\n" for name in names)
        if len({*names}) == len(names) and _read_alike(path, meant):
            return
    odd = next((name for name in whole.classes if [name.strip()] != name.splitlines()), whole.classes[0])
    raise ConfigError(
        f"{whole.model.path}: {odd!r}: a class's name that cannot be a line of a file of labels"
    )


def _read_alike(path: Path, meant: labels.Labels) -> bool:
    try:
        return labels.load(path) == meant
    except ModelError:  # a line without a name
        return False


def readme(path: Path, made: Path, whole: Whole) -> str:
    """Return what the network is, for whoever finds it.

    Parameters
    ----------
    path, made : path
        What its file is to be called, and where it is now.
    whole : Whole
    """
    on, heard = whole.on, whole.heard
    of_network = whole.licence_of_network
    licences = [f"Licence of the network, {on.title}: {of_network}. {on.licence_url}".rstrip()]
    licences += [LICENCE_OF_BIRDNET] if SHARE_ALIKE in of_network and whole.birdnet == "2.4" else []
    licences.append(f"Licence of the head, as who trained it says: {whole.model.licence}.")
    paragraphs = [
        f"{path.name}: {whole.model.title}",
        f"A classifier of {len(whole.classes):,} classes on the embedding of {on.title}, as one network."
        f" Written by birdfast {__version__}.",
        *licences,
        f"Takes: {_taken(whole)}. Gives: {_given(whole)}, in the order of {path.stem}_Labels.txt.",
        "\n  ".join(["To run it:", *_ways(path, whole)]),
        f"SHA-256 of {path.name}:\n  {sources.sha256(made, ModelError)}\n"
        f"SHA-256 of the network that it was made of:\n  {on.sha256()}",
    ]
    if heard.normalization != "none":
        paragraphs.insert(-2, f"The level of each window is changed first: {heard.normalization}.")
    paragraphs[-2:-2] = _detected(whole)
    return "\n\n".join(_wrapped(one) for one in paragraphs) + "\n"


def _detected(whole: Whole) -> Iterator[str]:
    """Yield what is a detection, where training has found out."""
    if "background" in whole.detecting:
        yield f"The class {whole.detecting['background']} is what is none of the others: it is no detection."
    if "thresholds" in whole.detecting:
        rows = (f"{least:.3f} {name}" for name, least in whole.detecting["thresholds"].items())
        yield "\n  ".join(["Least confidence of a detection, of each class (above 1: never):", *rows])


def _taken(whole: Whole) -> str:
    heard = whole.heard
    sound = f"{heard.window_samples / heard.rate_hz:g} s of sound at {heard.rate_hz:,} Hz"
    if whole.on.front_end is not None:
        return f"the picture of {sound} (by the recipe in its metadata)"
    return f"{sound}, {heard.window_samples:,} samples in -1..1, mono"


def _given(whole: Whole) -> str:
    if not whole.logits:
        return f"confidences from 0 to 1 ({whole.kind})"
    of_softmax = ", which makes the softmax of the head's scores of them" if whole.kind == "softmax" else ""
    return f"scores that a sigmoid makes confidences of{of_softmax}"


def _ways(path: Path, whole: Whole) -> list[str]:
    """Return how programs that take it are called."""
    stem, heard = path.stem, whole.heard
    own = f"birdfast infer RECORDINGS -o RESULTS --model {path.name}"
    if whole.birdnet:
        backend, more = BACKENDS[whole.on.kind]
        told = f'"acoustic", "{whole.birdnet}", "{backend}", "{path.name}", "{stem}_Labels.txt"{more}'
        analyzer = [f"BirdNET-Analyzer: -c {path.name}"] if whole.logits else []
        return [own, f"birdnet: load_custom({told})", *analyzer]
    if whole.on.kind == "tflite" and whole.by_length() is None:
        return [f"birdfast models add {path.name} --rate {heard.rate_hz}", own.replace(path.name, stem)]
    return [own]


def _wrapped(paragraph: str) -> str:
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, COLUMNS, break_on_hyphens=False)
        for line in paragraph.splitlines()
    )
