"""What a network takes, as its file says: read by hand, a few bytes here and there, without a runtime.

Who looks for a model has to know whether it is a head, before any network is opened. FlatBuffers and Protocol
Buffers are both described by their makers; TFLite's and ONNX's schemas give the numbers of the fields.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .. import sources
from ..errors import ModelError
from . import kinds

ODD = (struct.error, LookupError, ValueError, OSError, OverflowError, ModelError)
MOST_DIMENSIONS = 8
MOST_FIELDS, MOST_NAME = 1 << 20, 1 << 16  # of a message, in number; of a name, in bytes
LARGEST_VARINT = 10  # bytes
VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # Protocol Buffers' wire types


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
        with sources.opened(path, ModelError) as file:
            content = Content(file.fileno())
            onnx = kinds.found(path) == "onnx"
            return _onnx(content, os.fstat(file.fileno()).st_size) if onnx else _tflite(content)
    except ODD:
        return None


class Content(NamedTuple):
    """A file's bytes, read where they are asked for."""

    descriptor: int

    def number(self, form: str, place: int) -> int:
        """Return a number in the form of `struct`, little-endian."""
        data = os.pread(self.descriptor, struct.calcsize(form), place)
        return int(struct.unpack(f"<{form}", data)[0])

    def varint(self, place: int) -> tuple[int, int]:
        """Return a number of Protocol Buffers, and where it ends."""
        value = 0
        for i, byte in enumerate(os.pread(self.descriptor, LARGEST_VARINT, place)):
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                return value, place + i + 1
        raise ValueError("no number")


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


def _onnx(content: Content, size: int) -> tuple[int, ...] | None:
    graph = _message(content, (0, size), 7)
    constants = {_name(content, one, 8) for one in _messages(content, graph, 5)}
    every = _messages(content, graph, 11)
    inputs = [one for one in every if _name(content, one, 1) not in constants]
    if len(inputs) != 1:
        return None
    (span,) = inputs
    for number in (2, 1, 2):  # its type, that of a tensor, its shape
        span = _message(content, span, number)
    return tuple(_length(content, one) for one in _messages(content, span, 1))[:MOST_DIMENSIONS]


def _length(content: Content, span: tuple[int, int]) -> int:
    return next((value for number, value in _fields(content, span) if number == 1), 0)


def _name(content: Content, span: tuple[int, int], number: int) -> bytes:
    first, end = _message(content, span, number)
    return os.pread(content.descriptor, min(MOST_NAME, end - first), first)


def _message(content: Content, span: tuple[int, int], wanted: int) -> tuple[int, int]:
    for found in _messages(content, span, wanted):
        return found
    raise ValueError("no such field")


def _messages(content: Content, span: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
    """Yield where the messages of a number begin and end."""
    for number, value in _fields(content, span):
        if number == wanted and isinstance(value, tuple):
            yield value


def _fields(content: Content, span: tuple[int, int]) -> Iterator[tuple[int, Any]]:
    """Yield the number of each field of a message, and its value, or where it begins and ends."""
    place, end = span
    for _ in range(MOST_FIELDS):
        if place >= end:
            return
        key, place = content.varint(place)
        value: Any = None
        if key & 7 == VARINT:
            value, place = content.varint(place)
        elif key & 7 == BYTES:
            length, place = content.varint(place)
            value = (place, place + length)
            place += length
        elif key & 7 in (EIGHT, FOUR):
            place += 8 if key & 7 == EIGHT else 4
        else:
            raise ValueError("no message")
        yield key >> 3, value
    raise ValueError("too many fields")
