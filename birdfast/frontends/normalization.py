"""What a network does to a window before its spectrogram, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats


@dataclass(frozen=True)
class NetworkNormalization:
    """What a network does to each window x first: gain * (x - centre) / (span + epsilon) + offset.

    Attributes
    ----------
    centre : "zero", "min" or "mean"
    span : "one", "range", "peak" or "std"
        Of what is left after the centre was taken away.
    epsilon, gain, offset : float
    """

    centre: str = "zero"
    span: str = "one"
    epsilon: float = 0.0
    gain: float = 1.0
    offset: float = 0.0

    def __call__(self, samples: Floats) -> Floats:
        """Normalise windows [batch, samples], in the type that they have."""
        real = samples.dtype.type
        moved = samples
        if self.centre != "zero":
            centre = np.min if self.centre == "min" else np.mean
            moved = samples - centre(samples, axis=-1, keepdims=True)
        if self.span != "one":
            moved = moved / (SPANS[self.span](moved) + real(self.epsilon))
        normalized: Floats = moved * real(self.gain) + real(self.offset)
        return normalized


SPANS = {
    "range": lambda x: x.max(axis=-1, keepdims=True),
    "peak": lambda x: np.abs(x).max(axis=-1, keepdims=True),
    "std": lambda x: x.std(axis=-1, keepdims=True),
}
