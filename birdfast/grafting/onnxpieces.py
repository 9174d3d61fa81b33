"""Pieces of an ONNX graph, cut out and run on one window to learn what they compute."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ModelError
from ..runtimes import onnx
from . import onnxgraph, onnxwriting
from .onnxlayout import MOST_VALUES

SHAPES = ("Shape", "Size")  # they tell of the sound how long it is, not what is in it
NEAR = 1e-4  # of a window's largest number, alone and beside another window
SECONDS = 120  # in which all is learnt, or nothing


class Piece:
    """A part of a graph from some tensors to one, run by ONNX Runtime; see `probe.Runs`.

    Raises
    ------
    ModelError
        ONNX Runtime refuses it; in a call: fails, or time is up.
    """

    def __init__(self, pieces: Pieces, inputs: Sequence[str], output: str) -> None:
        self._pieces, self._output = pieces, output
        self.shapes = {name: pieces.told[name].shape for name in inputs}
        self._types = {name: pieces.told[name].dtype for name in inputs}
        self._is_empty = [output] == [*inputs]
        self._session = None if self._is_empty else onnx.start(pieces.cut(inputs, [output]))

    def __call__(self, feeds: Mapping[str, Array]) -> Array:
        """Return the output for these inputs, each given in any shape of the right size."""
        self._pieces.check_time()
        values = {
            name: np.asarray(value, self._types[name]).reshape(self.shapes[name])
            for name, value in feeds.items()
        }
        if self._is_empty:
            return values[self._output].copy()
        found = onnx.run(self._session, values, [self._output])[0]
        if found.dtype.kind != "f" or not 0 < found.size <= MOST_VALUES:
            raise ModelError(f"{self._output} holds no numbers, or too many")
        return found


class Pieces:
    """An ONNX model from which pieces are cut; it is not changed.

    Parameters
    ----------
    data : bytes
        A model that passed its trial (`trial`): pieces are run in this process.
    source : str
        Its one input.
    shape : tuple of int
        Of that for one window.
    open_batch : bool
        Its first axis holds any number of windows.

    Attributes
    ----------
    told : dict of str to array
        Examples of tensors, which tell their shapes and types: of the source, and of all that a run brought.
    are_plain : bool
        Nodes stand behind what they read, and no weights are sparse: of others nothing is learnt.
    """

    def __init__(self, data: bytes, source: str, shape: Sequence[int], *, open_batch: bool = False) -> None:
        self._model = onnxgraph.parsed(data)
        self._graph, self._open = self._model.graph, open_batch
        self.source, self.outputs = source, [one.name for one in self._graph.output]
        self.told: dict[str, Array] = {source: np.zeros(shape, np.float32)}
        self._nodes = [(node, [*onnxwriting.reads(node)]) for node in self._graph.node]
        self._weights = {one.name: one for one in self._graph.initializer}
        self._until = time.monotonic() + SECONDS
        self.are_plain = not self._graph.sparse_initializer
        known = {source, *self._weights, ""}
        for node in self._graph.node:
            self.are_plain &= known.issuperset(node.input)
            known.update(node.output)
        self._makers = {name: i for i, (node, _) in enumerate(self._nodes) for name in node.output if name}

    @property
    def n_nodes(self) -> int:
        """Operators of the graph."""
        return len(self._nodes)

    def check_time(self) -> None:
        """Raise ModelError where learning took too long."""
        if time.monotonic() > self._until:
            raise ModelError(f"its front end is not learnt in {SECONDS} s")

    def necks(self, source: str, ends: Sequence[str]) -> list[str]:
        """Return the tensors through which all passes that some tensors know of another, that one first."""
        after = self._after(source)
        passing = [i for i in self._needed(ends, {source}) if not after.isdisjoint(self._nodes[i][0].output)]
        last = {name: i for i in passing for name in self._nodes[i][1]} | dict.fromkeys(ends, math.inf)
        found, alive = [source], {source}
        for i in passing:
            made = after.intersection(self._nodes[i][0].output)
            alive = {name for name in alive | made if last.get(name, -1) > i}
            if len(alive) == 1 and found[-1] not in alive:
                found += alive
        return found

    def joined(self, name: str) -> list[str]:
        """Return what a Concat puts together to make a tensor; [] where something else makes it."""
        node = self._nodes[self._makers[name]][0] if name in self._makers else None
        return [] if node is None or node.op_type != "Concat" else list(node.input)

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
        """Return the part of the graph from some tensors to others, for one window."""
        shapes = set[str]() if self.source in inputs else self._shapes()
        needed = self._needed(outputs, {*inputs, *shapes})
        lengths = self._lengths(needed, 1, shapes)
        made = self._part(needed, lengths)
        for name in inputs:
            whole = self._open and name == self.source
            onnxwriting.declare(made, name, self.told[name], open_batch=whole)
        for name in outputs:
            made.graph.output.add().name = name
        return bytes(made.SerializeToString())

    def has_windows_first(self, name: str) -> bool:
        """Whether a tensor has of several windows what it has of each, one behind the other."""
        if not self._open:
            return True
        sound = np.random.default_rng(4).normal(0, 0.1, (2, *self.told[self.source].shape[1:]))
        stacks = [part.astype(np.float32) for part in (sound[:1], sound[1:], sound)]
        session = onnx.start(self.cut([self.source], [name]))
        *each, both = (onnx.run(session, {self.source: stack}, [name])[0] for stack in stacks)
        apart = np.concatenate(each) if each[0].ndim else both[None]
        return apart.shape == both.shape and np.allclose(apart, both, 0, NEAR * np.abs(apart).max())

    def body(self, cut: str) -> bytes:
        """Return what is behind a tensor that `has_windows_first`, with the outputs as they were."""
        after = self._after(cut)
        before = {name for name in self._shapes() if not after.issuperset(self._nodes[self._makers[name]][1])}
        needed = self._needed(self.outputs, {cut, *before})
        single = self._lengths(needed, 1, before)
        several = self._lengths(needed, 2, before) if self._open else single
        fixed = {name: value for name, value in single.items() if (several[name] == value).all()}
        made = self._part(needed, fixed)
        onnxwriting.declare(made, cut, self.told[cut], open_batch=self._open)
        made.graph.output.extend(self._graph.output)
        steps = {name: (several[name] - value, value) for name, value in single.items() if name not in fixed}
        onnxwriting.put_lengths_first(made, cut, len(self.told[cut]), steps)
        return bytes(made.SerializeToString())

    def _lengths(self, needed: Iterable[int], batch: int, names: Collection[str]) -> dict[str, Array]:
        """Return what Shape and Size tell nodes, at a batch."""
        asked = [*dict.fromkeys(name for i in needed for name in self._nodes[i][1] if name in names)]
        if not asked:
            return {}
        made = self._part(self._needed(asked, {self.source}), {})
        sound = self.told[self.source]
        sound = np.concatenate([sound] * batch) if batch > 1 else sound
        onnxwriting.declare(made, self.source, sound)
        for name in asked:
            made.graph.output.add().name = name
        found = onnx.run(onnx.start(bytes(made.SerializeToString())), {self.source: sound}, asked)
        return dict(zip(asked, found, strict=True))

    def _shapes(self) -> set[str]:
        """Return what is told of the lengths of tensors that depend on the sound."""
        after = self._after(self.source)
        return {
            name
            for node, reads in self._nodes
            if node.op_type in SHAPES and not node.domain and after.issuperset(reads)
            for name in node.output
        }

    def _after(self, source: str) -> set[str]:
        """Return the tensors that depend on one, and that one."""
        found = {source}
        for node, reads in self._nodes:
            if node.op_type not in SHAPES and not found.isdisjoint(reads):
                found.update(name for name in node.output if name)
        return found

    def _needed(self, ends: Iterable[str], given: Collection[str]) -> list[int]:
        """Return the places of the nodes that make some tensors of given ones, in order."""
        waiting, found = [name for name in ends if name not in given], set[int]()
        while waiting:
            place = self._makers.get(waiting.pop())
            if place is not None and place not in found:
                found.add(place)
                waiting += [name for name in self._nodes[place][1] if name not in given]
        return sorted(found)

    def _part(self, needed: Sequence[int], known: Mapping[str, Array]) -> Any:
        """Return a model of some nodes, with known tensors beside the weights that they read."""
        made = type(self._model)()
        made.ir_version = self._model.ir_version
        made.opset_import.extend(self._model.opset_import)
        made.functions.extend(self._model.functions)
        made.graph.name = "piece"
        made.graph.node.extend(self._nodes[i][0] for i in needed)
        reads = dict.fromkeys([*(name for i in needed for name in self._nodes[i][1]), *self.outputs])
        made.graph.initializer.extend(self._weights[name] for name in reads if name in self._weights)
        made.graph.initializer.extend(onnxgraph.tensor(name, value) for name, value in known.items())
        return made
