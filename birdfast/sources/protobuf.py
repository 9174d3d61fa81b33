"""Messages of Protocol Buffers: rows of fields, each with a number and how its value is written.

https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # how a field's value is written


class Field(NamedTuple):
    """A field's number, and where it and its content lie in the file."""

    number: int
    first: int
    start: int
    end: int


def fields(file: io.BufferedIOBase, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of a message that lies from `start` to `end`; EOFError where it is none."""
    first = start
    while first < end:
        file.seek(first)
        tag = varint(file)
        kind = tag & 7
        if kind == VARINT:
            varint(file)
            length = 0
        elif kind == BYTES:
            length = varint(file)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise EOFError
        start = file.tell()
        if not tag >> 3 or start + length > end:
            raise EOFError
        yield Field(tag >> 3, first, start, start + length)
        first = start + length


def varint(file: io.BufferedIOBase) -> int:
    """Return the number that a file goes on with; EOFError where there is none."""
    value, shift = 0, 0
    while shift < 70:
        byte = file.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
    raise EOFError


def written(number: int, content: bytes) -> bytes:
    """Return a field of bytes, as it stands in a message."""
    length, head = len(content), bytearray([number << 3 | BYTES])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*head, length]) + content
