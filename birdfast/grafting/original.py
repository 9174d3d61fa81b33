"""A network as its author made it: read, checked, and handed to the runtime only if it harms nobody."""

from __future__ import annotations

from pathlib import Path

from .. import sources
from ..errors import ModelError
from . import trial, validate
from .graph import Graph


def content(model: bytes | str | Path) -> bytes:
    """Return the bytes of a model.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.

    Raises
    ------
    ModelError
        The file cannot be read.
    """
    return model if isinstance(model, bytes) else sources.read(model, ModelError)


def read(model: bytes | str | Path) -> Graph:
    """Return a model's graph, checked.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.

    Raises
    ------
    ModelError
        The file cannot be read, is no model, damaged or hostile.
    """
    graph = Graph.parse(content(model))
    validate.check(graph)
    return graph


def check(model: bytes | str | Path) -> tuple[Graph, bytes]:
    """Return a model's graph, and bytes that are safe to hand to the runtime, for running it as it is.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.

    Raises
    ------
    ModelError
        The file is no model, damaged, hostile, or one that the runtime cannot run.
    """
    graph = read(model)
    data = graph.write()
    trial.run(data)
    return graph, data
