"""Messages of an ONNX file: one after the other, however deep, and weights that lie in files beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import sources
from ..errors import ModelError
from ..sources import onnxfile


def within(message: Any) -> Iterator[tuple[str, Any]]:
    """Yield every message within one, however deep, and its kind; text that is none is refused."""
    waiting = [message]
    while waiting:
        one = waiting.pop()
        for field, value in _fields(one):
            if field.message_type is None:
                _check_text(field, value)
                continue
            inner = [value] if hasattr(value, "ListFields") else list(value)
            for each in inner:
                yield field.message_type.name, each
            waiting += inner


def _fields(message: Any) -> list[tuple[Any, Any]]:
    """Return a message's fields and what they hold; of a tensor not its numbers, which would be copied."""
    if message.DESCRIPTOR.name != "TensorProto":
        return list(message.ListFields())
    every = message.DESCRIPTOR.fields
    told = [one for one in every if one.message_type is not None or one.type == one.TYPE_STRING]
    return [(one, getattr(message, one.name)) for one in told]


def _check_text(field: Any, value: Any) -> None:
    """Refuse text that is none: protobuf hands it on as bytes."""
    values = () if field.type != field.TYPE_STRING else (value,) if isinstance(value, str | bytes) else value
    if any(isinstance(text, bytes) for text in values):
        raise ModelError(f"is damaged: a {field.name} in it is no UTF-8 text")


def bring_weights(onnx: Any, model: Any, path: Path) -> None:
    """Take in the weights that lie in files beside the model, and refuse those that lie elsewhere."""
    found = set[str]()
    for kind, tensor in within(model):
        if kind == "TensorProto" and (
            tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL
        ):
            told = {one.key: one.value for one in tensor.external_data}
            tensor.raw_data = _outside(path, told)
            found.add(told["location"])
            del tensor.external_data[:]
            tensor.data_location = onnx.TensorProto.DEFAULT
    if found and found != {*onnxfile.beside(path)}:  # of which alone the digest is made
        raise ModelError("is damaged: two readers find other files with its weights")


def _outside(path: Path, told: dict[str, str]) -> bytes:
    """Return weights that lie in a file beside the model."""
    place = onnxfile.place(path, told.get("location", ""))
    try:
        first, n_bytes = int(told.get("offset", 0)), int(told.get("length", 0))
        with sources.opened(place, ModelError, onnxfile.MOST_BYTES) as file:
            size = file.seek(0, 2)
            if not 0 <= first <= first + n_bytes <= size:
                raise ValueError(f"{first} and {n_bytes} of {size}")
            file.seek(first)
            return file.read(n_bytes or size - first)
    except ValueError as error:
        raise ModelError(f"{place.name}: has not the weights that the model looks for there") from error
