"""What kind of network a file holds, by what is in it, and what is meant by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from .. import sources
from ..errors import ModelError
from ..sources import onnxfile

Kind = Literal["tflite", "onnx", "stsg", "head", "joined"]
SUFFIXES: dict[str, Kind] = {".tflite": "tflite", ".onnx": "onnx"}


class Digests(NamedTuple):
    """The SHA-256 of a network's files and of its labels, in hex: what is meant by a model's name.

    A head's results hang on the networks below it, too, `Model.below`: of each its files', and its labels'
    where they say which of its outputs has the scores. `more` are those of the labels of further label
    spaces.
    """

    network: str
    labels: str
    below: Sequence[Sequence[str]] = ()
    more: Sequence[str] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """All, in the order of `Model.files`."""
        return (self.network, self.labels, *(one for some in self.below for one in some), *self.more)

    @property
    def heavy(self) -> tuple[str, ...]:
        """The networks that hear sound, in the order of `Model.heavy`."""
        return tuple(network for network, *_ in self.below) or (self.network,)


def told(name: str) -> Kind:
    """Return what a file's name tells; what tells nothing is a TFLite network."""
    return SUFFIXES.get(Path(name).suffix.lower(), "tflite")


def found(path: Path) -> Kind:
    """Return what a file holds, whatever its name; of what cannot be told the name decides.

    Raises
    ------
    ModelError
        The file cannot be read.
    """
    head = sources.head(path, 8, ModelError)
    if head[4:8] == b"TFL3":
        return "tflite"
    return "onnx" if onnxfile.is_one(head) else told(path.name)


def digest(path: Path, kind: Kind) -> str:
    """Return the SHA-256 of a network in hex: of its file, and of those beside it that hold its weights.

    Raises
    ------
    ModelError
        One of them cannot be read, or lies in another folder.
    """
    own = sources.sha256(path, ModelError)
    names = onnxfile.beside(path) if kind == "onnx" else []
    if not names:
        return own
    return digest_of(
        [own, *(f"{name} {sources.sha256(onnxfile.place(path, name), ModelError)}" for name in names)]
    )


def digest_of(several: Sequence[str]) -> str:
    """Return one digest of several, or of what tells them apart."""
    return hashlib.sha256("\n".join(several).encode()).hexdigest()
