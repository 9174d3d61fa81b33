"""An ONNX file's own words: what its author wrote into it, and which files it needs beside it.

Read without the package onnx, and without its weights: who asks for a model's labels or its digest waits for
neither. Of the fields of its messages those of the tables below lead to what is asked for, and the others
are passed over. The numbers are those of onnx.proto.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import ModelError
from . import TEXT_BYTES, opened
from .protobuf import BYTES, VARINT, Field, fields, written

Tables = Mapping[str, Mapping[int, str]]

METADATA = 14  # of a model, its metadata_props
WORDS: Tables = {"model": {METADATA: "entry"}}
TENSORS: Tables = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
MOST_BYTES = (1 << 31) - 1  # of one message: Protocol Buffers have no more
MOST_FIELDS = 5_000_000
MOST_WORDS = TEXT_BYTES
COPIED_BYTES = 1 << 20


def is_one(head: bytes) -> bool:
    """Whether a file that begins so may be an ONNX model: its version comes first, then another field."""
    return len(head) > 2 and head[0] == 0x08 and 0 < head[1] < 0x40 and head[2] & 7 in (VARINT, BYTES)


def metadata(path: Path) -> dict[str, str]:
    """Return what a model's author wrote into it, by key.

    Raises
    ------
    ModelError
        The file cannot be read, or is no ONNX model.
    """
    with reading(path) as file:
        return dict(_words(file, field) for field in _leaves(file, WORDS))


def beside(path: Path) -> list[str]:
    """Return the names of the files that hold weights of a model, sorted; errors as `metadata`."""
    with reading(path) as file:
        entries = (_words(file, field) for field in _leaves(file, TENSORS))
        return sorted({value for key, value in entries if key == "location"})


def told(path: Path, words: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the content of a model's file, piece by piece, with words written into it.

    What it said by the same keys goes, and all else stays; errors as `metadata`.
    """
    with reading(path) as file:
        for field in fields(file, 0, file.seek(0, io.SEEK_END)):
            if field.number == METADATA and _words(file, field)[0] in words:
                continue
            file.seek(field.first)
            for start in range(field.first, field.end, COPIED_BYTES):
                yield file.read(min(COPIED_BYTES, field.end - start))
    for key, value in words.items():
        yield written(METADATA, written(1, key.encode()) + written(2, value.encode()))


def place(path: Path, name: str) -> Path:
    """Return the file with weights that a model calls by a name.

    Raises
    ------
    ModelError
        It does not lie in the model's folder, or below it.
    """
    try:
        found = path.parent / name
        if name and found.resolve().is_relative_to(path.parent.resolve()) and found.is_file():
            return found
    except (OSError, ValueError, RuntimeError):  # a null character, a circle of links
        pass
    raise ModelError(f"{path}: has weights in another file ({name or '?'}), which is not beside it")


@contextmanager
def reading(path: Path) -> Iterator[io.BufferedReader]:
    """Open a model's file; ModelError where it cannot be read, or what is read in it is no ONNX model."""
    with opened(path, ModelError, MOST_BYTES) as file:
        try:
            yield file
        except (EOFError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: is no ONNX model, or a damaged one") from error


def _leaves(file: io.BufferedReader, tables: Tables) -> Iterator[Field]:
    """Yield the entries that the tables lead to."""
    waiting = [("model", 0, file.seek(0, io.SEEK_END))]
    n_left = MOST_FIELDS
    while waiting:
        kind, start, end = waiting.pop()
        for field in fields(file, start, end):
            n_left -= 1
            if not n_left:
                raise EOFError
            leads = tables[kind].get(field.number)
            if leads == "entry":
                yield field
            elif leads is not None:
                waiting.append((leads, field.start, field.end))


def _words(file: io.BufferedReader, entry: Field) -> tuple[str, str]:
    """Return the key and the value of an entry."""
    if entry.end - entry.start > MOST_WORDS:
        raise EOFError
    found = {1: "", 2: ""}
    for field in fields(file, entry.start, entry.end):
        if field.number in found:
            file.seek(field.start)
            found[field.number] = file.read(field.end - field.start).decode()
    return found[1], found[2]
