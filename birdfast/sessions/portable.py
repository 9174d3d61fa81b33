"""A faster plain .tflite for everyone else's tools: the same input, outputs, and tensor numbers.

The front end becomes convolutions: frame, window, real part of the FFT and bands together are one linear map
of the samples, so one CONV_2D with a 1 x n_fft filter and the hop as stride. (One whose spectrum is taken by
magnitude becomes two, cosines and sines, and the bands stay.) That is in float32, where the graph's FFT was in
double: in windows in which a band holds nothing but rounding noise (pure tones, say), steep roots show the
difference. `build` offers both forms, and whoever calls it verifies.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from birdfast.sessions import fold
from birdfast.sessions.frontend import Array, Branch
from birdfast.sessions.graph import Graph, reads
from birdfast.sessions.recognise import Found


def build(original: Graph, found: Found | None, batch: int | None, embedding: int | None) -> bytes:
    """Write a model for other tools.

    Parameters
    ----------
    original
        The checked graph.
    found
        Its front end, to be replaced by convolutions; None keeps the FFTs as they are.
    batch
        Windows at a time, None for any number.
    embedding
        A tensor to become the second output, None for none.
    """
    graph = fold.freeze(original, batch or 1)
    if batch is None:
        graph = _any_batch(original, graph)
    if found is not None:
        for branch, bands in zip(found.front_end.branches, found.bands, strict=True):
            _replace(graph, found.signal, bands, branch)
    if embedding is not None and embedding not in graph.outputs:
        graph.main.outputs = np.asarray([*graph.outputs, embedding], np.int32)
    _sign(graph, embedding)
    graph.main.operators = [graph.operators[i] for i in graph.needed(graph.outputs)]
    graph.sweep()
    return graph.write()


def _any_batch(original: Graph, one: Graph) -> Graph:
    """A graph folded only where no batch size shows: what differs between batches of 1 and 2 stays open."""
    two, graph = fold.freeze(original, 2), original.copy()
    dependent = original.dependent(original.inputs)
    for t in dict.fromkeys([*original.inputs, *(int(o) for op in original.operators for o in op.outputs)]):
        if t in dependent:
            shape = one.shape(t)
            graph.set_shape(t, shape)
            if shape != two.shape(t):
                signature = [a if a == b else -1 for a, b in zip(shape, two.shape(t), strict=True)]
                graph.tensors[t].shapeSignature = np.asarray(signature, np.int32)
        elif one.is_constant(t) and (value := _common(graph, t, one.constant(t), two.constant(t))) is not None:
            graph.add_constant(t, value)
    fold.drop_dead(graph)
    return graph


def _common(graph: Graph, t: int, one: Array | None, two: Array | None) -> Array | None:
    """The value of a tensor for any batch: -1 in the one place where a RESHAPE's target depends on it."""
    if one is None or two is None or one.shape != two.shape:
        return None
    differs = one != two
    if not differs.any():
        return one
    readers = [op for op in graph.operators if t in reads(op)]
    only_shapes = all(graph.name(op) == "RESHAPE" and reads(op)[1:] == [t] for op in readers)
    if not only_shapes or differs.sum() != 1 or (one < 0).any():
        return None
    return np.where(differs, np.asarray(-1, one.dtype), one)


def _replace(graph: Graph, signal: int, bands: int, branch: Branch) -> None:
    """Make the tensor `bands` from `signal` by convolution instead of by what made it."""
    made = graph.producer()[bands]
    batch, size = _windows(graph, signal)
    low = max(0, -branch.start)
    high = max(0, branch.start + (branch.frames - 1) * branch.hop + branch.n_fft - size)
    line = graph.new_tensor("graft/line", (batch, 1, size, 1))
    steps = [_reshape(graph, signal, line, (-1, 1, size, 1))]
    if low or high:
        padded = graph.new_tensor("graft/padded", (batch, 1, size + low + high, 1))
        pads = graph.new_constant("graft/pads", np.array([[0, 0], [0, 0], [low, high], [0, 0]], np.int32))
        steps.append(graph.new_operator("PAD", [line, pads], [padded], schema.PadOptionsT()))
        line = padded
    skip = max(0, branch.start)
    sums = []
    for filters, bias in _filters(branch):
        sums.append(graph.new_tensor("graft/bands", (batch, 1, branch.frames, len(filters))))
        steps.append(_convolution(graph, line, sums[-1], filters, bias, branch, skip))
    total = sums[0]
    if len(sums) == 2:
        total = graph.new_tensor("graft/power", graph.shape(sums[0]))
        squares = [graph.new_tensor("graft/square", graph.shape(total)) for _ in sums]
        for part, square in zip(sums, squares, strict=True):
            steps.append(graph.new_operator("MUL", [part, part], [square], schema.MulOptionsT()))
        steps.append(graph.new_operator("ADD", squares, [total], schema.AddOptionsT()))
        if branch.part == "magnitude":
            magnitude = graph.new_tensor("graft/magnitude", graph.shape(total))
            steps.append(graph.new_operator("SQRT", [total], [magnitude]))
            total = magnitude
    target = np.array(graph.shape(bands), np.int32)
    if graph.tensors[bands].shapeSignature is not None:
        target = np.where(np.asarray(graph.tensors[bands].shapeSignature) < 0, np.int32(-1), target)
    steps.append(_reshape(graph, total, bands, target))
    graph.operators[made : made + 1] = steps


def _windows(graph: Graph, signal: int) -> tuple[int, int]:
    """Windows in a signal tensor, and samples of each; a signal without a batch axis is one window."""
    shape = graph.shape(signal)
    windows = shape[0] if len(shape) > 1 else 1
    return windows, int(np.prod(shape)) // windows


def _filters(branch: Branch) -> list[tuple[Array, Array | None]]:
    """``[bands, n_fft]`` with biases: one filter bank for a linear front end, else cosines and sines."""
    angle = 2 * np.pi / branch.n_fft * (np.outer(np.arange(branch.n_fft // 2 + 1), np.arange(branch.n_fft)))
    cosines = np.cos(angle) * branch.window
    if branch.part == "real" and branch.weights is not None:
        return [(branch.weights.astype(np.float64) @ cosines, branch.bias)]
    return [(cosines, None)] if branch.part == "real" else [(cosines, None), (np.sin(angle) * branch.window, None)]


def _convolution(
    graph: Graph, line: int, out: int, filters: Array, bias: Array | None, branch: Branch, skip: int
) -> object:
    # zeros before the first sample of a frame shift it without another operator
    weights = np.pad(filters, ((0, 0), (skip, 0))).astype(np.float32)[:, None, :, None]
    kernel = graph.new_constant("graft/filters", weights)
    zero = np.zeros(len(filters), np.float32) if bias is None else bias.astype(np.float32)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideW, options.strideH = schema.Padding.VALID, branch.hop, 1
    options.dilationWFactor = options.dilationHFactor = 1
    return graph.new_operator("CONV_2D", [line, kernel, graph.new_constant("graft/bias", zero)], [out], options)


def _reshape(graph: Graph, source: int, out: int, shape: object) -> object:
    target = graph.new_constant("graft/shape", np.asarray(shape, np.int32))
    return graph.new_operator("RESHAPE", [source, target], [out], schema.ReshapeOptionsT())


def _sign(graph: Graph, embedding: int | None) -> None:
    """Name the outputs as birdnet looks for them, beside whatever names the model has."""
    signatures = graph.model.signatureDefs or []
    if not signatures:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
        signature.inputs = [_named("inputs", graph.inputs[0])]
        signature.outputs = [_named("predictions", graph.outputs[0])]
        signatures = [signature]
    for signature in signatures:
        names = {entry.name for entry in signature.outputs}
        if embedding is not None and b"embeddings" not in names:
            if all(entry.tensorIndex != embedding for entry in signature.outputs):
                signature.outputs.append(_named("embeddings", embedding))
    graph.model.signatureDefs = signatures


def _named(name: str, tensor: int) -> object:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
