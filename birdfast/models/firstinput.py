"""What a network takes, as its file says: read by hand, a few bytes here and there, without a runtime.

Who looks for a model has to know whether it is a head, before any network is opened. FlatBuffers and Protocol
Buffers are both described by their makers; TFLite's and ONNX's schemas give the numbers of the fields.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from .. import sources
from ..errors import ModelError
from ..sources import onnxfile, protobuf
from . import kinds

ODD = (struct.error, LookupError, ValueError, OSError, OverflowError, ModelError)
MOST_DIMENSIONS = 8
MOST_FIELDS, MOST_NAME = 1 << 20, 1 << 16  # of a message, in number; of a name, in bytes
Span = tuple[int, int]  # where a message begins and ends


def shape(path: Path) -> tuple[int, ...] | None:
    """Return the shape of a network's only input.

    Parameters
    ----------
    path : path
        A TFLite or ONNX network, whatever its name.

    Returns
    -------
    tuple of int or None
        A length that is open is below 1. None: there are several inputs, or the file does not say; whether
        it is damaged, its runtime's reader judges.
    """
    try:
        if kinds.found(path) == "onnx":
            return _onnx(path)
        with sources.opened(path, ModelError) as file:
            return _tflite(Content(file.fileno()))
    except ODD:
        return None


class Content(NamedTuple):
    """A file's bytes, read where they are asked for."""

    descriptor: int

    def number(self, form: str, place: int) -> int:
        """Return a number in the form of `struct`, little-endian."""
        data = os.pread(self.descriptor, struct.calcsize(form), place)
        return int(struct.unpack(f"<{form}", data)[0])


def _tflite(content: Content) -> tuple[int, ...] | None:
    graph = _items(content, _field(content, content.number("I", 0), 2))[0]
    graph += content.number("I", graph)
    tensors, inputs = (_items(content, _field(content, graph, number)) for number in (0, 1))
    if len(inputs) != 1:
        return None
    tensor = tensors[content.number("i", inputs[0])]
    lengths = _items(content, _field(content, tensor + content.number("I", tensor), 0))
    return tuple(content.number("i", place) for place in lengths[:MOST_DIMENSIONS])


def _field(content: Content, table: int, number: int) -> int:
    """Return where a field of a FlatBuffers table is."""
    layout = table - content.number("i", table)
    slot = 4 + 2 * number
    offset = content.number("H", layout + slot) if slot < content.number("H", layout) else 0
    if not offset:
        raise ValueError("no such field")
    return table + offset


def _items(content: Content, field: int) -> range:
    """Return where the items of a FlatBuffers vector are, of four bytes each."""
    start = field + content.number("I", field)
    n_items = content.number("I", start)
    return range(start + 4, start + 4 + 4 * n_items, 4)


def _onnx(path: Path) -> tuple[int, ...] | None:
    with onnxfile.reading(path) as file:
        graph = _message(file, (0, file.seek(0, io.SEEK_END)), 7)
        constants = {_name(file, one, 8) for one in _messages(file, graph, 5)}
        inputs = [one for one in _messages(file, graph, 11) if _name(file, one, 1) not in constants]
        if len(inputs) != 1:
            return None
        (span,) = inputs
        for number in (2, 1, 2):  # its type, that of a tensor, its shape
            span = _message(file, span, number)
        lengths = list(islice(_messages(file, span, 1), MOST_DIMENSIONS))
        return tuple(_length(file, one) for one in lengths)


def _length(file: io.BufferedReader, span: Span) -> int:
    """Return a dimension's length, which is a signed number of 64 bits; 0 where it has but a name."""
    for field in _fields(file, span):
        if field.number == 1:
            file.seek(field.first)
            protobuf.varint(file)  # the field's number
            value = protobuf.varint(file) & (1 << 64) - 1
            return value - (value >> 63 << 64)
    return 0


def _name(file: io.BufferedReader, span: Span, number: int) -> bytes:
    first, end = _message(file, span, number)
    file.seek(first)
    return file.read(min(MOST_NAME, end - first))


def _message(file: io.BufferedReader, span: Span, wanted: int) -> Span:
    for found in _messages(file, span, wanted):
        return found
    raise ValueError("no such field")


def _messages(file: io.BufferedReader, span: Span, wanted: int) -> Iterator[Span]:
    """Yield where the messages of a number begin and end."""
    for field in _fields(file, span):
        if field.number == wanted:
            yield field.start, field.end


def _fields(file: io.BufferedReader, span: Span) -> Iterator[protobuf.Field]:
    for n_before, field in enumerate(protobuf.fields(file, *span)):
        if n_before == MOST_FIELDS:
            raise ValueError("too many fields")
        yield field
