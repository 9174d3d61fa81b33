"""A network as its author made it: read, checked, and handed to the runtime only if it harms nobody."""

from __future__ import annotations

from pathlib import Path

from . import flex, subgraphs, surgery, validate, verdict
from .graph import Graph
from .networkfile import content


def read(model: bytes | str | Path, *, partial: bool = False) -> Graph:
    """Return a model's main graph, checked, without what it has no use for.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.
    partial : bool
        Whether to take it although some of its outputs need operators that there are not: see `flex.rewrite`.

    Raises
    ------
    ModelError
        The file cannot be read, is no model, damaged or hostile, or needs what is not supported.
    """
    graph = Graph.parse(content(model))
    unused = subgraphs.leave_main(graph)
    unused = flex.rewrite(graph, partial) or unused
    validate.check(graph)
    if unused:
        surgery.sweep(graph)
    return graph


def check(
    model: bytes | str | Path, kept: Path | None = None, name: str = "the model"
) -> tuple[Graph, bytes]:
    """Return a model's graph, and bytes that are safe to hand to the runtime, for running it as it is.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.
    kept, name
        Where verdicts are kept, and what the model is called; see `verdict.check`.

    Raises
    ------
    ModelError
        The file is no model, damaged, hostile, or one that the runtime cannot run.
    """
    graph = read(model)
    data = graph.write()
    verdict.check(data, "tflite", [], kept, name)
    return graph, data
