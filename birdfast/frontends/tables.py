"""What a network's front end computes from its samples, as tables.

    samples -> normalised -> frames * window -> FFT -> part -> bands -> steps -> place in the body's input

The tables are what `grafting.recognise` reads off a graph, what `compiled` makes kernels from, and what
`grafting.portable` turns back into operators. Calling a `FrontEnd` computes it in float64 with NumPy: the
meaning of the tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Literal

import numpy as np

from ..arrays import Array, Float32, Float64, Floats
from ..spectrogram.frames import PADS
from .normalization import NetworkNormalization

Step = tuple[str, float]
Pad = Literal["zero", "reflect", "edge"]


@dataclass(frozen=True)
class Branch:
    """One spectrogram of a front end.

    Attributes
    ----------
    n_fft, hop, start, frames : int
        Frame f, of n_fft samples, begins at sample start + f * hop.
    part : "real", "magnitude" or "power"
        Of the spectrum.
    window : float32 [n_fft]
        Zeros where the graph pads a shorter frame.
    weights : float32 [bands, n_fft // 2 + 1] or None
        None: the spectrum itself is what is asked.
    bias : float32 [bands] or None
    steps : tuple of (str, float)
        What happens to each band's number, in order: ("square" | "abs" | "sqrt" | "log", 0), ("power" |
        "maximum" | "add" | "multiply", value).
    offset, frame_stride, band_stride : int
        Where band b of frame f goes in the flat output of a window: offset + f frame_stride + b band_stride.
    scale, shift : float
        The output is scale * value + shift.
    pad : "zero", "reflect" or "edge"
        What samples outside of the window count as: 0, those mirrored about the ends, or those at the ends.
    """

    n_fft: int
    hop: int
    start: int
    frames: int
    part: str
    window: Float32 = field(repr=False)
    weights: Float32 | None = field(default=None, repr=False)
    bias: Float32 | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    offset: int = 0
    frame_stride: int = 0
    band_stride: int = 1
    scale: float = 1.0
    shift: float = 0.0
    pad: Pad = "zero"

    @property
    def bands(self) -> int:
        """Values of a frame."""
        return self.n_fft // 2 + 1 if self.weights is None else len(self.weights)

    def overhang(self, n_samples: int) -> tuple[int, int]:
        """Return how far the frames reach beyond so many samples, before and behind."""
        end = self.start + (self.frames - 1) * self.hop + self.n_fft
        return max(0, -self.start), max(0, end - n_samples)

    def linear(self, samples: Floats) -> Float64:
        """Compute frames, window, spectrum and bands.

        Parameters
        ----------
        samples : float32 or float64 [batch, samples]
            Normalised.

        Returns
        -------
        float64 [batch, frames, bands]
        """
        low, high = self.overhang(samples.shape[1])
        padded = np.pad(samples, ((0, 0), (low, high)), _PADS[self.pad])
        views = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=-1)
        first = self.start + low
        frames = views[:, first : first + (self.frames - 1) * self.hop + 1 : self.hop]
        # the runtime transforms in double and keeps complex64: rounding where it rounds gives its very bits
        windowed = (frames * self.window.astype(samples.dtype)).astype(np.float64)
        spectrum = np.fft.rfft(windowed).astype(np.complex64)
        values: Float64 = _PARTS[self.part](
            spectrum.real.astype(np.float64), spectrum.imag.astype(np.float64)
        )
        if self.weights is not None:
            values = values @ self.weights.T.astype(np.float64)
        return values if self.bias is None else values + self.bias

    def place(self, out: Float32, values: Floats) -> None:
        """Put [batch, frames, bands] where they belong in the flat output [batch, size]."""
        at = self.offset + self.frame_stride * np.arange(self.frames)[:, None]
        out[:, at + self.band_stride * np.arange(self.bands)] = values * self.scale + self.shift


_PADS = {pad: mode for mode, pad in PADS.items()}
_PARTS = {
    "real": lambda re, im: re,
    "magnitude": lambda re, im: np.sqrt(re * re + im * im),
    "power": lambda re, im: re * re + im * im,
}
STEPS: dict[str, Callable[[Floats, float], Floats]] = {
    "square": lambda x, _: x * x,
    "abs": lambda x, _: np.abs(x),
    "sqrt": lambda x, _: np.sqrt(x),
    "log": lambda x, _: np.log(x),
    "power": lambda x, value: x**value,
    "maximum": lambda x, value: np.maximum(x, value),
    "add": lambda x, value: x + value,
    "multiply": lambda x, value: x * value,
}


@dataclass(frozen=True)
class FrontEnd:
    """Everything between the samples of a window and the first tensor of a network's body.

    Attributes
    ----------
    samples : int
        Length of a window.
    shape : tuple of int
        Shape of the body's input for one window; windows follow one another along the first axis.
    branches : tuple of Branch
        The spectrograms that fill it.
    normalization : NetworkNormalization
        What is done to the window first.
    exact : bool
        Whether kernels transform in double, as the TFLite runtime does, or in single precision, as ONNX
        Runtime does.
    """

    samples: int
    shape: tuple[int, ...]
    branches: tuple[Branch, ...]
    normalization: NetworkNormalization = field(default_factory=NetworkNormalization)
    exact: bool = True

    def batched(self, batch: int) -> tuple[int, ...]:
        """Return the shape of the output for a batch."""
        return (batch * self.shape[0], *self.shape[1:])

    def __call__(self, samples: Float32, out: Float32 | None = None) -> Float32:
        """Compute the body's input.

        Parameters
        ----------
        samples : float32 [batch, samples]
        out : float32 of the shape `batched`, contiguous, or None
            Where to write it; made if it is not given.

        Returns
        -------
        float32 of the shape `batched`
        """
        if out is None:
            out = np.empty(self.batched(len(samples)), np.float32)
        normalized = self.normalization(samples)
        flat = out.reshape(len(samples), -1)
        for branch in self.branches:
            values: Floats = branch.linear(normalized)
            with np.errstate(divide="ignore", invalid="ignore"):
                for name, value in branch.steps:
                    values = STEPS[name](values, value)
            branch.place(flat, values)
        return out

    def words(self) -> str:
        """Return what it computes in words, for reports."""
        lines = []
        for b in self.branches:
            bands = "" if b.weights is None else f", {b.bands} bands"
            lines.append(f"{b.frames} frames of {b.n_fft} every {b.hop}, {b.part} part{bands}")
        return "; ".join(lines)

    def tables(self) -> tuple[str, dict[str, Array]]:
        """Return the front end for a file without pickles: as JSON, and the arrays that the JSON leaves out.

        Returns
        -------
        (str, dict of str to float32)
            Arrays by name and number of the branch, such as window0.
        """
        arrays: dict[str, Array] = {}
        branches = []
        for i, branch in enumerate(self.branches):
            plain = {f.name: getattr(branch, f.name) for f in fields(branch)}
            for name in ("window", "weights", "bias"):
                value = plain.pop(name)
                if value is not None:
                    arrays[f"{name}{i}"] = value
            branches.append(plain)
        head = {"samples": self.samples, "shape": self.shape, "exact": self.exact, "branches": branches}
        return json.dumps({**head, "normalization": asdict(self.normalization)}), arrays

    @classmethod
    def from_tables(cls, text: str, arrays: dict[str, Array]) -> FrontEnd:
        """Return the front end that said `tables`.

        Raises
        ------
        ValueError, KeyError or TypeError
            They are not what `tables` gives.
        """
        head = json.loads(text)
        branches = []
        for i, plain in enumerate(head["branches"]):
            plain["steps"] = tuple((str(name), float(value)) for name, value in plain["steps"])
            tables = {name: arrays.get(f"{name}{i}") for name in ("window", "weights", "bias")}
            branches.append(Branch(**{**plain, **tables}))
        normalization = NetworkNormalization(**head["normalization"])
        return cls(head["samples"], tuple(head["shape"]), tuple(branches), normalization, head["exact"])
