"""A network as its author made it: read, checked, and handed to the runtime only if it harms nobody."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError
from . import trial, validate
from .graph import Graph


def content(model: bytes | str | Path) -> bytes:
    """The bytes of a model given as such or by its path."""
    if isinstance(model, bytes):
        return model
    try:
        return Path(model).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error


def checked(data: bytes) -> bytes:
    """A model's bytes written anew, after its graph was checked."""
    graph = Graph.parse(data)
    validate.check(graph)
    return graph.write()


def check(model: bytes | str | Path) -> bytes:
    """Bytes that are safe to hand to the runtime, for running a model as it is (``--no-graft``).

    Raises
    ------
    ModelError
        The file is no model, damaged, hostile, or one that the runtime cannot run.
    """
    data = checked(content(model))
    trial.run(data)
    return data
