"""A spectrogram as convolutions, for runtimes that know nothing of birdfast.

Frame, window, real part of the FFT and bands together are one linear map of the samples: a CONV_2D with a
1 x n_fft filter and the hop as stride. Where a band holds nothing but rounding noise a steep root shows which
rounding it was. Digital silence is such a case: it is not 0 once a window was normalised to -1 .. 1, and its
frames hold the rounding of silence times window. So silence is subtracted before the convolution, and its
spectrum, made by one small FFT a window just as the graph would have, is added behind it: silence stays what
it was to the last digit. What remains is the rounding of the filters: pure tones, as no recorder makes them,
differ by up to 0.2 logits.
(A second convolution with what the rounding left over hardly helped and cost 2.5 ms of a BirdNET window.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Float64
from ..frontends.tables import Branch
from .flatbuffer import schema
from .graph import Graph
from .operators import ARITHMETIC, reads


class Convolver:
    """Puts convolutions into a graph in place of its FFTs.

    Parameters
    ----------
    graph : Graph
        Static, folded; edited in place.
    signal : int
        The tensor that frames are cut from: [batch, samples] or [samples].
    """

    def __init__(self, graph: Graph, signal: int) -> None:
        self.graph, self.signal = graph, signal
        shape = graph.shape(signal)
        self.batch = shape[0] if len(shape) > 1 else 1
        self.samples = int(np.prod(shape)) // self.batch
        self.added: list[Any] = []
        self.silence = self._silence()
        if self.silence is not None:
            self.signal = self._make("SUB", [signal, self.silence], shape)

    def replace(self, bands: int, branch: Branch) -> None:
        """Make the bands of a branch from the signal, instead of by what made them.

        Parameters
        ----------
        bands : int
            Their tensor; see `recognise.Found`.
        branch : Branch
        """
        at = self.graph.producer()[bands]
        line = self._line(branch)
        sums = [self._convolution(line, filters, branch) for filters in _filters(branch)]
        total = sums[0] if len(sums) == 1 else self._magnitude(sums, branch)
        if self.silence is not None and branch.part == "real" and branch.weights is not None:
            total = self._make("ADD", [total, self._of_silence(branch)], self.graph.shape(total))
        t = self.graph.tensors[bands]
        open_axes = (
            np.zeros(len(t.shape), bool) if t.shapeSignature is None else np.asarray(t.shapeSignature) < 0
        )
        self._reshape(total, np.where(open_axes, -1, t.shape), bands)
        self.graph.operators[at : at + 1] = self.added
        self.added = []

    def _make(
        self, name: str, inputs: list[int], shape: Any, options: Any = None, dtype: Any = np.float32
    ) -> int:
        if options is None and name in ARITHMETIC:
            options = getattr(schema, f"{name.capitalize()}OptionsT")()
        out = self.graph.new_tensor(f"graft/{name.lower()}", shape, dtype)
        self.added.append(self.graph.new_operator(name, inputs, [out], options))
        return out

    def _reshape(self, source: int, shape: Any, out: int | None = None) -> int:
        target = self.graph.new_constant("graft/shape", np.asarray(shape, np.int32))
        static = [self.batch if d < 0 else int(d) for d in shape]
        if out is None:
            out = self.graph.new_tensor("graft/reshape", static, self.graph.dtype(source))
        operator = self.graph.new_operator("RESHAPE", [source, target], [out], schema.ReshapeOptionsT())
        self.added.append(operator)
        return out

    def _line(self, branch: Branch) -> int:
        """Make a picture of one line of the signal, with zeros where frames reach beyond it."""
        line = self._reshape(self.signal, (-1, 1, self.samples, 1))
        low, high = branch.overhang(self.samples)
        if not low and not high:
            return line
        pads = np.array([[0, 0], [0, 0], [low, high], [0, 0]], np.int32)
        wide = (self.batch, 1, self.samples + low + high, 1)
        return self._make(
            "PAD", [line, self.graph.new_constant("graft/pads", pads)], wide, schema.PadOptionsT()
        )

    def _convolution(self, line: int, filters: Float64, branch: Branch) -> int:
        # zeros in front of a filter move it to where the first frame begins
        filters = np.pad(filters, ((0, 0), (max(0, branch.start), 0)))[:, None, :, None].astype(np.float32)
        linear = branch.part == "real" and branch.bias is not None
        bias = branch.bias if linear else np.zeros(len(filters), np.float32)
        weights = [("filters", filters), ("bias", np.asarray(bias))]
        options = schema.Conv2DOptionsT()
        options.padding, options.strideW, options.strideH = schema.Padding.VALID, branch.hop, 1
        options.dilationWFactor = options.dilationHFactor = 1
        constants = [self.graph.new_constant(f"graft/{name}", value) for name, value in weights]
        return self._make(
            "CONV_2D", [line, *constants], (self.batch, 1, branch.frames, len(filters)), options
        )

    def _magnitude(self, parts: list[int], branch: Branch) -> int:
        shape = self.graph.shape(parts[0])
        power = self._make("ADD", [self._make("MUL", [part, part], shape) for part in parts], shape)
        return power if branch.part == "power" else self._make("SQRT", [power], shape)

    def _silence(self) -> int | None:
        """Make what digital silence is in the normalised signal, [batch, 1]; None where it stays 0."""
        graph, source = self.graph, self.graph.inputs[0]
        if self.signal == source or len(graph.shape(self.signal)) != 2:
            return None
        twins = {source: graph.new_constant("graft/zero", np.zeros((1, 1), np.float32))}
        for i in graph.needed([self.signal], given=[source]):
            op = graph.operators[i]
            if graph.name(op) in ARITHMETIC and any(t in twins for t in reads(op)):
                inputs = [twins.get(t, t) for t in reads(op)]
                twins[int(op.outputs[0])] = self._make(
                    graph.name(op), inputs, (self.batch, 1), op.builtinOptions
                )
        if self.signal not in twins:
            return None
        # a window without zeros may put them far away, and what is subtracted must not cost digits
        return self._make("RELU_N1_TO_1", [twins[self.signal]], (self.batch, 1))

    def _of_silence(self, branch: Branch) -> int:
        """Make the bands of a frame of silence, [batch, 1, 1, bands], with the rounding of the original."""
        assert self.silence is not None
        assert branch.weights is not None
        n, bins = branch.n_fft, branch.n_fft // 2 + 1
        window = self.graph.new_constant("graft/window", branch.window)
        length = self.graph.new_constant("graft/length", np.array([1, n], np.int32))
        frame = self._reshape(self._make("MUL", [self.silence, window], (self.batch, n)), (-1, 1, n))
        options = schema.Rfft2dOptionsT()
        spectrum = self._make("RFFT2D", [frame, length], (self.batch, 1, bins), options, np.complex64)
        cast = schema.CastOptionsT()
        cast.inDataType, cast.outDataType = schema.TensorType.COMPLEX64, schema.TensorType.FLOAT32
        real = self._reshape(self._make("CAST", [spectrum], (self.batch, 1, bins), cast), (-1, bins))
        weights = self.graph.new_constant("graft/weights", branch.weights)
        product = schema.FullyConnectedOptionsT()
        bands = self._make("FULLY_CONNECTED", [real, weights, -1], (self.batch, branch.bands), product)
        return self._reshape(bands, (-1, 1, 1, branch.bands))


def _filters(branch: Branch) -> list[Float64]:
    """Return float64 [bands, n_fft]: one filter bank if the front end is linear, else cosines and sines."""
    angle = 2 * np.pi / branch.n_fft * np.outer(np.arange(branch.n_fft // 2 + 1), np.arange(branch.n_fft))
    cosines: Float64 = np.cos(angle) * branch.window
    if branch.part != "real":
        return [cosines, np.sin(angle) * branch.window]
    return [cosines if branch.weights is None else branch.weights.astype(np.float64) @ cosines]
