"""Find the front end of a static TFLite graph and read it off as tables.

What a piece computes is learnt by running it (see `probe`); operators' names only say where pieces end.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ModelError
from ..frontends.tables import Branch, FrontEnd, Step
from . import probe
from .flatbuffer import schema
from .graph import Graph, reads

RESHAPES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "IDENTITY"})
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
SCALINGS = frozenset({"MUL", "DIV", "ADD", "SUB"})
MATRICES = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"})


@dataclass(frozen=True, eq=False)
class Found:
    """A front end and where it is in the graph.

    Attributes
    ----------
    front_end
        What it computes.
    cut
        The tensor that then holds the result: where the body begins.
    signal
        The tensor that the frames are cut from.
    bands
        Of each branch, the tensor that convolutions can give: the bands before any step where only the real
        part is kept, else the magnitude or power of the spectrum.
    """

    front_end: FrontEnd
    cut: int
    signal: int
    bands: tuple[int, ...]


@dataclass(frozen=True)
class _Strand:
    """One FFT of the graph with the tensors around it, and what is known of its branch so far."""

    fft_input: int
    frames: int
    branch: Branch
    bands: int  # see `Found`
    last: int  # the tensor that the branch ends with


def recognise(graph: Graph) -> Found | None:
    """Read the front end off a graph.

    Parameters
    ----------
    graph
        Static, folded, for one window (see `fold.freeze`).

    Returns
    -------
    Found or None
        None if the graph has no front end of the kind, or one that does more than a `FrontEnd` can say.
    """
    ffts = [op for op in graph.operators if graph.name(op) == "RFFT2D"]
    try:
        strands = [_downstream(graph, op) for op in ffts]
        known = [s for s in strands if s is not None]
        if not known or len(known) < len(strands):
            return None
        return _upstream(graph, known)
    except ModelError:  # a piece that the runtime does not run, or that reads what it should not
        return None


def _downstream(graph: Graph, fft: Any) -> _Strand | None:
    """From an FFT down: the part that is kept, the bands, and the steps on each number."""
    walk = _Walk(graph)
    fft_input, fft_length = reads(fft)[:2]
    length = graph.constant(fft_length)
    n_fft = graph.shape(fft_input)[-1]
    if (
        length is None
        or tuple(length.reshape(-1)) != (1, n_fft)
        or graph.shape(fft_input)[-2] != 1
        or n_fft % 2
    ):
        return None
    frames = int(np.prod(graph.shape(fft_input))) // n_fft
    found = _part(walk, int(fft.outputs[0]))
    if found is None:
        return None
    part, source = found
    branch = Branch(n_fft, 1, 0, frames, part, np.ones(n_fft, np.float32))
    end = walk.affine(source)
    if end == source:
        return _Strand(fft_input, frames, branch, source, source)
    matrix = probe.affine(probe.Piece(graph, [source], [end]), source, frames)
    if matrix is None:
        return _Strand(fft_input, frames, branch, source, source)
    steps, last = walk.steps(end)
    branch = replace(branch, weights=matrix[0], bias=matrix[1], steps=steps)
    return _Strand(fft_input, frames, branch, end if part == "real" else source, last)


def _part(walk: "_Walk", spectrum: int) -> tuple[str, int] | None:
    """What is kept of a complex spectrum, and the real tensor that holds it."""
    graph = walk.graph
    tensor = walk.skip(spectrum)
    readers = walk.readers(tensor)
    names = sorted(graph.name(op) for op in readers)
    if names in (["CAST"], ["REAL"]):
        return "real", int(readers[0].outputs[0])
    if names == ["COMPLEX_ABS"]:
        magnitude = int(readers[0].outputs[0])
        end, squared = walk.square(walk.skip(magnitude))
        return ("power", end) if squared else ("magnitude", magnitude)
    if names == ["IMAG", "REAL"]:  # re * re + im * im
        ends = [walk.square(walk.skip(int(op.outputs[0]))) for op in readers]
        sums = {id(op): op for end, squared in ends if squared for op in walk.readers(end)}
        if len(sums) == 1 and graph.name(only := next(iter(sums.values()))) == "ADD":
            return "power", int(only.outputs[0])
    return None


class _Walk:
    """Steps from tensor to tensor while each has one reader."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._consumers = graph.consumers()

    def readers(self, tensor: int) -> list[Any]:
        return [self.graph.operators[i] for i in self._consumers.get(tensor, [])]

    def next(self, tensor: int) -> tuple[Any, str] | None:
        """The one operator that reads a tensor (and makes one), with its name; None at a fork or an end."""
        readers = self.readers(tensor)
        if len(readers) != 1 or tensor in self.graph.outputs or len(readers[0].outputs) != 1:
            return None
        return readers[0], self.graph.name(readers[0])

    def skip(self, tensor: int) -> int:
        """Past everything that only renames the shape."""
        while (step := self.next(tensor)) is not None and step[1] in RESHAPES:
            tensor = int(step[0].outputs[0])
        return tensor

    def rounds(self, tensor: int) -> bool:
        """Whether the next operator will round this tensor to 8 bits: float in, quantised weights."""
        step = self.next(self.skip(tensor))
        if step is None or step[1] not in MATRICES | {"CONV_2D"}:
            return False
        weights = reads(step[0])[1]
        return self.graph.tensors[weights].type in (schema.TensorType.INT8, schema.TensorType.INT4)

    def affine(self, tensor: int) -> int:
        """The end of the matrix product that follows (slices before it and a bias after it included)."""
        start, product = tensor, False
        while (step := self.next(tensor)) is not None:
            op, name = step
            constants = [self.graph.constant(t) for t in reads(op)]
            bias = name in {"ADD", "SUB"} and any(c is not None and c.size > 1 for c in constants)
            matrix = name in MATRICES and not self.rounds(tensor) and not _activation(op)
            if matrix and len([c for c in constants if c is None]) > 1:
                break
            if not (matrix or name in RESHAPES or (bias and product) or (name in MOVES and not product)):
                break
            product, tensor = product or matrix, int(op.outputs[0])
        return tensor if product else start

    def square(self, tensor: int) -> tuple[int, bool]:
        """Past a squaring, if the next operator is one."""
        step = self.next(tensor)
        if step is None:
            return tensor, False
        found = self._step(step[0], step[1], tensor)
        squared = found in (("square", 0.0), ("power", 2.0))
        return (int(step[0].outputs[0]) if squared else tensor), squared

    def steps(self, tensor: int) -> tuple[tuple[Step, ...], int]:
        """Everything that is then done to each number by itself, and the tensor that it ends with."""
        found: list[Step] = []
        while (step := self.next(tensor)) is not None:
            op, name = step
            if name not in RESHAPES:
                act = self._step(op, name, tensor)
                if act is None:
                    break
                found.append(act)
            tensor = int(op.outputs[0])
        return tuple(found), tensor

    def _step(self, op: Any, name: str, tensor: int) -> Step | None:
        inputs = reads(op)
        if _activation(op):
            return None
        if name == "MUL" and inputs == [tensor, tensor]:
            return "square", 0.0
        if len(inputs) == 1:
            plain = {"SQUARE": "square", "LOG": "log", "SQRT": "sqrt", "ABS": "abs"}
            return (plain[name], 0.0) if name in plain else ("maximum", 0.0) if name == "RELU" else None
        return self._with_number(name, inputs, tensor)

    def _with_number(self, name: str, inputs: list[int], tensor: int) -> Step | None:
        if len(inputs) != 2 or inputs.count(tensor) != 1:
            return None
        first = inputs[0] == tensor
        constant = self.graph.constant(inputs[1] if first else inputs[0])
        if constant is None or constant.size != 1 or constant.dtype != np.float32:
            return None
        value = float(constant.reshape(-1)[0])
        if name in {"ADD", "MUL", "MAXIMUM"}:
            return {"ADD": "add", "MUL": "multiply", "MAXIMUM": "maximum"}[name], value
        if not first or name not in {"POW", "SUB", "DIV"}:
            return None
        return {"POW": ("power", value), "SUB": ("add", -value), "DIV": ("multiply", 1 / (value or np.nan))}[
            name
        ]


def _activation(op: Any) -> bool:
    return bool(getattr(op.builtinOptions, "fusedActivationFunction", 0))


def _upstream(graph: Graph, strands: list[_Strand]) -> Found | None:
    """From the FFTs up to the samples, and from the branches' ends down to the body."""
    source = graph.inputs[0]
    signal = _signal(graph, [s.fft_input for s in strands])
    for candidate in signal:
        framed = [_framed(graph, candidate, s) for s in strands]
        if all(b is not None for b in framed):
            break
    else:
        return None
    branches = [b for b in framed if b is not None]
    found = _join(graph, strands, branches)
    size = int(np.prod(graph.shape(candidate)))
    prelude = probe.normalization(probe.Piece(graph, [source], [candidate]), source, size)
    if found is None or prelude is None:
        return None
    placed, cut = found
    front = FrontEnd(size, graph.shape(cut), tuple(placed), prelude)
    noise = np.random.default_rng(5).normal(0, 0.1, (1, size)).astype(np.float32)
    expected = probe.Piece(graph, [source], [cut])({source: noise})
    if not probe.check(front(noise), expected):
        return None
    return Found(front, cut, candidate, tuple(s.bands for s in strands))


def _signal(graph: Graph, ffts: list[int]) -> list[int]:
    """Tensors that everything the FFTs see has come through, and behind which nothing is done but framing."""
    source = graph.inputs[0]
    through = []
    for t in [source, *(int(t) for op in graph.operators for t in op.outputs)]:
        blocked = graph.dependent([source], without=[t])
        if not any(f in blocked for f in ffts):
            names = [graph.operators[i] for i in graph.needed(ffts, given=[t])]
            if all(graph.name(op) in MOVES or _windowing(graph, op) for op in names):
                through.append(t)
    return through


def _windowing(graph: Graph, op: Any) -> bool:
    """A product with a constant vector; one with a single number belongs to the normalisation."""
    constants = [graph.constant(t) for t in reads(op)]
    return graph.name(op) == "MUL" and any(c is not None and c.size > 1 for c in constants)


def _framed(graph: Graph, signal: int, strand: _Strand) -> Branch | None:
    piece = probe.Piece(graph, [signal], [strand.fft_input])
    found = probe.frame_grid(piece, signal, strand.branch.n_fft)
    if found is None:
        return None
    return replace(strand.branch, hop=found.hop, start=found.start, window=found.window)


def _join(graph: Graph, strands: list[_Strand], branches: list[Branch]) -> tuple[list[Branch], int] | None:
    """The last tensor to which the branches are only moved and scaled, and where in it each goes."""
    ends = {s.last: (b.frames, b.bands) for s, b in zip(strands, branches, strict=True)}
    if len(ends) < len(strands):
        return None
    for cut in reversed(_cuts(graph, list(ends))):
        found = probe.places(probe.Piece(graph, list(ends), [cut]), ends)
        if found is not None:
            return [replace(b, **vars(p)) for b, p in zip(branches, found, strict=True)], cut
    return None


def _cuts(graph: Graph, ends: list[int]) -> list[int]:
    """Tensors that hold all that the outputs need of `ends`, made from them by moving and scaling alone."""
    found = [ends[0]] if len(ends) == 1 else []
    for op in graph.operators:
        t = int(op.outputs[0])
        if len(op.outputs) != 1 or t in ends:
            continue
        if any(o in graph.dependent(graph.inputs, without=[t]) for o in graph.outputs):
            continue
        between = [graph.operators[i] for i in graph.needed([t], given=ends)]
        known = {*ends, *(int(o) for p in between for o in p.outputs)}
        plain = all(graph.name(p) in MOVES | SCALINGS and not _activation(p) for p in between)
        closed = all(r in known or graph.constant(r) is not None for p in between for r in reads(p))
        if between and plain and closed:
            found.append(t)
    return [
        t for t in found if not any(o in graph.dependent(graph.inputs, without=[t]) for o in graph.outputs)
    ]
