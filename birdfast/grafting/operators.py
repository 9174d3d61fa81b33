"""Operators: their names, what they read, and which of them do the same kind of work."""

from __future__ import annotations

from typing import Any

from .flatbuffer import schema

OPERATOR_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
# They run other subgraphs.
CALLS = frozenset(
    [
        "IF",
        "WHILE",
        "CALL",
        "CALL_ONCE",
        "STABLEHLO_CASE",
        "STABLEHLO_COMPOSITE",
        "STABLEHLO_REDUCE",
        "STABLEHLO_REDUCE_WINDOW",
        "STABLEHLO_SCATTER",
        "STABLEHLO_SORT",
        "STABLEHLO_WHILE",
    ]
)
# They share with others what outlasts a run.
STATES = frozenset(
    [
        "VAR_HANDLE",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_SIZE",
    ]
)
# Their results need not be the same twice, or they act on something outside of the tensors.
STATEFUL = frozenset(
    [
        *CALLS,
        *STATES,
        "RANDOM_UNIFORM",
        "RANDOM_STANDARD_NORMAL",
        "MULTINOMIAL",
        "CUSTOM",
        "DELEGATE",
        "PLACEHOLDER_FOR_GREATER_OP_CODES",
        "LSTM",
        "RNN",
        "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
    ]
)
# Their results depend on the shape of the input alone.
SHAPE_ONLY = frozenset({"SHAPE", "RANK", "ZEROS_LIKE"})
# They change the shape and leave the numbers where they are.
RESHAPES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "IDENTITY"})
# They put numbers elsewhere, and zeros beside them.
MOVES = RESHAPES | frozenset(
    [
        "GATHER",
        "GATHER_ND",
        "STRIDED_SLICE",
        "SLICE",
        "TRANSPOSE",
        "CONCATENATION",
        "PACK",
        "UNPACK",
        "SPLIT",
        "SPLIT_V",
        "REVERSE_V2",
        "PAD",
        "PADV2",
        "TILE",
        "BROADCAST_TO",
    ]
)
ARITHMETIC = frozenset({"ADD", "SUB", "MUL", "DIV"})
MATRICES = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"})


def reads(operator: Any) -> list[int]:
    """Return the tensors that an operator reads.

    Parameters
    ----------
    operator : OperatorT

    Returns
    -------
    list of int
        In its order; the -1 of an input that was left out is not among them.
    """
    if operator.inputs is None:
        return []
    return [int(t) for t in operator.inputs if t >= 0]


def is_activated(operator: Any) -> bool:
    """Return whether an operator (OperatorT) ends with an activation that is fused into it."""
    return bool(getattr(operator.builtinOptions, "fusedActivationFunction", 0))
