"""What an ONNX graph shows: the outputs that are asked for, and no operator that only others need.

ONNX Runtime works out all that is in a graph, whatever is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def leave(graph: Any, names: Sequence[str]) -> None:
    """Leave a graph's tensors of these names as its outputs, the new ones last, and what leads to them.

    Parameters
    ----------
    graph : onnx.GraphProto
        It is changed.
    names : sequence of str
    """
    needed = _needed(graph, names)
    unneeded = [place for place in range(len(graph.node)) if place not in needed]
    unshown = [place for place, one in enumerate(graph.output) if one.name not in names]
    for rows, places in ((graph.node, unneeded), (graph.output, unshown)):
        for place in reversed(places):
            del rows[place]
    for name in dict.fromkeys(names):
        if name not in {one.name for one in graph.output}:
            graph.output.add().name = name


def _needed(graph: Any, names: Sequence[str]) -> set[int]:
    """Return the places of the operators that lead to tensors, in whatever order they stand."""
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output}
    found, waiting = set[int](), list(names)
    while waiting:
        place = makers.get(waiting.pop())
        if place is not None and place not in found:
            found.add(place)
            waiting += _taken(graph.node[place])
    return found


def _taken(node: Any) -> Iterator[str]:
    """Yield the tensors that an operator takes, and those that graphs inside of it may take from outside."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            yield from (one.name for one in graph.output)
            for inner in graph.node:
                yield from _taken(inner)
