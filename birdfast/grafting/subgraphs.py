"""The one graph of a model that is run: the other subgraphs go, and what calls them for nothing."""

from __future__ import annotations

import numpy as np

from .graph import Graph
from .operators import CALLS, STATES
from .validate import damage


def leave_main(graph: Graph) -> bool:
    """Leave of a model its main graph, without those operators of `CALLS` and `STATES` that no output needs.

    Parameters
    ----------
    graph : Graph
        Just parsed.

    Returns
    -------
    bool
        Whether there is now what nothing refers to: `surgery.sweep` it once the graph is checked.

    Raises
    ------
    ModelError
        The model is damaged.
    """
    with damage():
        model, n_subgraphs = graph.model, len(graph.model.subgraphs)
        _leave_needed(graph)
        for signature in model.signatureDefs or []:
            if signature.subgraphIndex >= n_subgraphs:
                raise IndexError(f"a signature for subgraph {signature.subgraphIndex} of {n_subgraphs}")
        if n_subgraphs > 1:
            model.subgraphs = [graph.main]
            model.signatureDefs = [one for one in model.signatureDefs or [] if one.subgraphIndex == 0]
        used = {operator.opcodeIndex for operator in graph.operators or []}
        return n_subgraphs > 1 or len(used) < len(model.operatorCodes or [])


def _leave_needed(graph: Graph) -> None:
    beyond = [i for i, op in enumerate(graph.operators or []) if graph.name(op) in CALLS | STATES]
    if not beyond:
        return
    for operator in graph.operators:
        if operator.outputs is None:  # such as a call to what sets a variable
            operator.outputs = np.zeros(0, np.int32)
    idle = {*beyond} - {*graph.needed(graph.outputs)}
    graph.main.operators = [operator for i, operator in enumerate(graph.operators) if i not in idle]
