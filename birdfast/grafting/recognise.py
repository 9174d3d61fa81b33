"""Find the front end of a static TFLite graph and read it off as tables.

What a piece computes is learnt by running it (see `probe`); operators' names only say where pieces end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ModelError
from ..frontends.tables import Branch, FrontEnd
from . import normalization, probe
from .graph import Graph
from .operators import ARITHMETIC, MOVES, is_activated, reads
from .walk import Walk


@dataclass(frozen=True, eq=False)
class Found:
    """A front end and where it is in the graph.

    Attributes
    ----------
    front_end : FrontEnd
        What it computes.
    cut : int
        The tensor that then holds the result: where the body begins.
    signal : int
        The tensor that the frames are cut from.
    bands : tuple of int
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
    graph : Graph
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
    """Go from an FFT down: the part that is kept, the bands, and the steps on each number."""
    walk = Walk(graph)
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


def _part(walk: Walk, spectrum: int) -> tuple[str, int] | None:
    """Return what is kept of a complex spectrum (see `Branch.part`), and the real tensor that holds it."""
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


def _upstream(graph: Graph, strands: list[_Strand]) -> Found | None:
    """Go from the FFTs up to the samples, and from the branches' ends down to the body."""
    source = graph.inputs[0]
    for signal in _signals(graph, [s.fft_input for s in strands]):
        framed = [_framed(graph, signal, s) for s in strands]
        if all(b is not None for b in framed):
            break
    else:
        return None
    branches = [b for b in framed if b is not None]
    found = _join(graph, strands, branches)
    size = int(np.prod(graph.shape(signal)))
    prelude = normalization.fit(probe.Piece(graph, [source], [signal]), source, size)
    if found is None or prelude is None:
        return None
    placed, cut = found
    front = FrontEnd(size, graph.shape(cut), tuple(placed), prelude)
    noise = np.random.default_rng(5).normal(0, 0.1, (1, size)).astype(np.float32)
    expected = probe.Piece(graph, [source], [cut])({source: noise})
    if not probe.agree(front(noise), expected):
        return None
    return Found(front, cut, signal, tuple(s.bands for s in strands))


def _signals(graph: Graph, ffts: list[int]) -> list[int]:
    """Return the tensors that all the FFTs see has come through, and behind which only frames are cut."""
    source = graph.inputs[0]
    through = []
    for t in [source, *(int(t) for op in graph.operators for t in op.outputs)]:
        blocked = graph.dependent([source], without=[t])
        if not any(f in blocked for f in ffts):
            between = [graph.operators[i] for i in graph.needed(ffts, given=[t])]
            if all(graph.name(op) in MOVES or _is_windowing(graph, op) for op in between):
                through.append(t)
    return through


def _is_windowing(graph: Graph, op: Any) -> bool:
    """Tell a product with a constant vector from one with a number, which belongs to the normalisation."""
    constants = [graph.constant(t) for t in reads(op)]
    return graph.name(op) == "MUL" and any(c is not None and c.size > 1 for c in constants)


def _framed(graph: Graph, signal: int, strand: _Strand) -> Branch | None:
    piece = probe.Piece(graph, [signal], [strand.fft_input])
    found = probe.frame_grid(piece, signal, strand.branch.n_fft)
    if found is None:
        return None
    return replace(strand.branch, hop=found.hop, start=found.start, window=found.window)


def _join(graph: Graph, strands: list[_Strand], branches: list[Branch]) -> tuple[list[Branch], int] | None:
    """Find the last tensor to which the branches are only moved and scaled, and where in it each goes."""
    ends = {s.last: (b.frames, b.bands) for s, b in zip(strands, branches, strict=True)}
    if len(ends) < len(strands):
        return None
    for cut in reversed(_cuts(graph, list(ends))):
        found = probe.places(probe.Piece(graph, list(ends), [cut]), ends)
        if found is not None:
            return [replace(b, **vars(p)) for b, p in zip(branches, found, strict=True)], cut
    return None


def _cuts(graph: Graph, ends: list[int]) -> list[int]:
    """Return what holds all that the outputs need of `ends`, made of them by moving and scaling alone."""
    found = [ends[0]] if len(ends) == 1 and _is_neck(graph, ends[0]) else []
    for op in graph.operators:
        t = int(op.outputs[0])
        if len(op.outputs) != 1 or t in ends or not _is_neck(graph, t):
            continue
        between = [graph.operators[i] for i in graph.needed([t], given=ends)]
        known = {*ends, *(int(o) for p in between for o in p.outputs)}
        plain = all(graph.name(p) in MOVES | ARITHMETIC and not is_activated(p) for p in between)
        closed = all(r in known or graph.constant(r) is not None for p in between for r in reads(p))
        if between and plain and closed:
            found.append(t)
    return found


def _is_neck(graph: Graph, tensor: int) -> bool:
    """Return whether all that the outputs know of the inputs has come through a tensor."""
    around = graph.dependent(graph.inputs, without=[tensor])
    return not any(output in around for output in graph.outputs)
