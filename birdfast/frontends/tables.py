"""What a network's front end computes from its samples, as tables.

    samples -> normalised -> frames * window -> FFT -> part -> bands -> steps -> place in the body's input

The tables are what `recognise` reads off a graph, what the kernels are made from, and what `portable` turns
back into operators. Calling a `FrontEnd` computes it in float64 with NumPy: the meaning of the tables.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Step = tuple[str, float]


@dataclass(frozen=True)
class NetworkNormalization:
    """Per window: ``gain * (x - centre) / (span + epsilon) + offset``.

    `centre` is "zero", "min" or "mean", `span` "one", "range", "peak" or "std" (of what is left after the
    centre was taken away).
    """

    centre: str = "zero"
    span: str = "one"
    epsilon: float = 0.0
    gain: float = 1.0
    offset: float = 0.0

    def __call__(self, samples: Array) -> Array:
        """Normalise windows ``[batch, samples]``, in the type that they have."""
        real = samples.dtype.type
        moved = samples
        if self.centre != "zero":
            centre = np.min if self.centre == "min" else np.mean
            moved = samples - centre(samples, axis=-1, keepdims=True)
        if self.span != "one":
            moved = moved / (_SPANS[self.span](moved) + real(self.epsilon))
        normalized: Array = moved * real(self.gain) + real(self.offset)
        return normalized


_SPANS = {
    "range": lambda x: x.max(axis=-1, keepdims=True),
    "peak": lambda x: np.abs(x).max(axis=-1, keepdims=True),
    "std": lambda x: x.std(axis=-1, keepdims=True),
}


@dataclass(frozen=True)
class Branch:
    """One spectrogram of a front end.

    Attributes
    ----------
    n_fft, hop, start, frames
        Frame ``f`` begins at sample ``start + f * hop``; samples outside of the window count as 0.
    part
        "real", "magnitude" or "power" of the spectrum.
    window
        float32 ``[n_fft]``; zeros where the graph pads a shorter frame.
    weights, bias
        float32 ``[bands, n_fft // 2 + 1]`` and ``[bands]``; no weights: the spectrum itself is what is asked.
    steps
        What happens to each band's number, in order: ("square" | "abs" | "sqrt" | "log", 0), ("power" |
        "maximum" | "add" | "multiply", value).
    offset, frame_stride, band_stride
        Where band b of frame f goes in the flat output of a window: offset + f frame_stride + b band_stride.
    scale, shift
        The output is ``scale * value + shift``.
    """

    n_fft: int
    hop: int
    start: int
    frames: int
    part: str
    window: Array = field(repr=False)
    weights: Array | None = field(default=None, repr=False)
    bias: Array | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    offset: int = 0
    frame_stride: int = 0
    band_stride: int = 1
    scale: float = 1.0
    shift: float = 0.0

    @property
    def bands(self) -> int:
        return self.n_fft // 2 + 1 if self.weights is None else len(self.weights)

    def linear(self, samples: Array) -> Array:
        """Frames, window, spectrum and bands of ``[batch, samples]``: ``[batch, frames, bands]``, float64."""
        low, high = max(0, -self.start), self.start + (self.frames - 1) * self.hop + self.n_fft
        padded = np.pad(samples, ((0, 0), (low, max(0, high - samples.shape[1]))))
        views = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=-1)
        first = self.start + low
        frames = views[:, first : first + (self.frames - 1) * self.hop + 1 : self.hop]
        # the runtime transforms in double and keeps complex64: rounding where it rounds gives its very bits
        windowed = (frames * self.window.astype(samples.dtype)).astype(np.float64)
        spectrum = np.fft.rfft(windowed).astype(np.complex64)
        values: Array = _PARTS[self.part](spectrum.real.astype(np.float64), spectrum.imag.astype(np.float64))
        if self.weights is not None:
            values = values @ self.weights.T.astype(np.float64)
        return values if self.bias is None else values + self.bias

    def place(self, out: Array, values: Array) -> None:
        """Put ``[batch, frames, bands]`` where they belong in the flat output ``[batch, size]``."""
        at = self.offset + self.frame_stride * np.arange(self.frames)[:, None]
        out[:, at + self.band_stride * np.arange(self.bands)] = values * self.scale + self.shift


_PARTS = {
    "real": lambda re, im: re,
    "magnitude": lambda re, im: np.sqrt(re * re + im * im),
    "power": lambda re, im: re * re + im * im,
}
STEPS: dict[str, Callable[[Array, float], Array]] = {
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
    samples
        Length of a window.
    shape
        Shape of the body's input for one window; windows follow one another along the first axis.
    branches
        The spectrograms that fill it.
    normalization
        What is done to the window first.
    """

    samples: int
    shape: tuple[int, ...]
    branches: tuple[Branch, ...]
    normalization: NetworkNormalization = NetworkNormalization()

    def batched(self, batch: int) -> tuple[int, ...]:
        """The shape of the output for a batch."""
        return (batch * self.shape[0], *self.shape[1:])

    def __call__(self, samples: Array, out: Array | None = None) -> Array:
        """Compute the body's input.

        Parameters
        ----------
        samples
            float32 ``[batch, samples]``.
        out
            float32, of the shape `batched`; made if it is not given.
        """
        if out is None:
            out = np.empty(self.batched(len(samples)), np.float32)
        normalized = self.normalization(samples)
        flat = out.reshape(len(samples), -1)
        for branch in self.branches:
            values = branch.linear(normalized)
            with np.errstate(divide="ignore", invalid="ignore"):
                for name, value in branch.steps:
                    values = STEPS[name](values, value)
            branch.place(flat, values)
        return out

    def words(self) -> str:
        """One line a branch, for reports."""
        lines = []
        for b in self.branches:
            bands = "" if b.weights is None else f", {b.bands} bands"
            lines.append(f"{b.frames} frames of {b.n_fft} every {b.hop}, {b.part} part{bands}")
        return "; ".join(lines)

    def tables(self) -> tuple[str, dict[str, Array]]:
        """The front end as JSON and the arrays that the JSON leaves out, for a file without pickles."""
        arrays: dict[str, Array] = {}
        branches = []
        for i, branch in enumerate(self.branches):
            plain = {f.name: getattr(branch, f.name) for f in fields(branch)}
            for name in ("window", "weights", "bias"):
                value = plain.pop(name)
                if value is not None:
                    arrays[f"{name}{i}"] = value
            branches.append(plain)
        head = {"samples": self.samples, "shape": self.shape, "branches": branches}
        return json.dumps({**head, "normalization": asdict(self.normalization)}), arrays

    @classmethod
    def from_tables(cls, text: str, arrays: dict[str, Array]) -> "FrontEnd":
        """The inverse of `tables`."""
        head = json.loads(text)
        branches = []
        for i, plain in enumerate(head["branches"]):
            plain["steps"] = tuple((str(name), float(value)) for name, value in plain["steps"])
            tables = {name: arrays.get(f"{name}{i}") for name in ("window", "weights", "bias")}
            branches.append(Branch(**{**plain, **tables}))
        normalization = NetworkNormalization(**head["normalization"])
        return cls(head["samples"], tuple(head["shape"]), tuple(branches), normalization)


__all__ = ["Array", "Branch", "FrontEnd", "NetworkNormalization", "Step", "replace"]
