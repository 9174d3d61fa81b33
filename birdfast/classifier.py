"""Classifier: from a window's embedding to logits, by linear layers with ReLU between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from . import _kernels
from .arrays import Float32
from .errors import ModelError


@dataclass(frozen=True, eq=False)
class Layer:
    """y = weight x + bias."""

    weight: Float32  # [n_out, n_in]
    bias: Float32  # [n_out]


class Classifier:
    """Layers that fit one another.

    Parameters
    ----------
    layers : sequence of Layer, one or more

    Raises
    ------
    ModelError
        The layers' shapes do not fit, or they have values that are not finite.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        if not layers:
            raise ModelError("a classifier has one layer or more")
        n_in = layers[0].weight.shape[-1]
        for number, layer in enumerate(layers):
            n_out = len(layer.weight)
            if layer.weight.shape != (n_out, n_in) or layer.bias.shape != (n_out,):
                raise ModelError(
                    f"layer {number}: weight {layer.weight.shape} and bias {layer.bias.shape}, {n_in} in"
                )
            if not (np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()):
                raise ModelError(f"layer {number}: not all of its values are finite")
            n_in = n_out
        self.layers = tuple(layers)
        self.n_values, self.n_classes = layers[0].weight.shape[1], n_in

    @classmethod
    def of(cls, arrays: Mapping[str, Float32]) -> Self:
        """Return the classifier of a model's arrays: layer0_weight, layer0_bias, layer1_weight, ..."""
        n_layers = sum(name.endswith("_weight") for name in arrays)
        return cls([Layer(arrays[f"layer{i}_weight"], arrays[f"layer{i}_bias"]) for i in range(n_layers)])

    def logits(self, values: Float32) -> Float32:
        """Return the logits of float32 [n, n_values]: float32 [n, n_classes]; a row has its bits alone."""
        values = np.ascontiguousarray(values, np.float32)
        logits = np.empty((len(values), self.n_classes), np.float32)
        self._model.logits(values, logits)
        return logits

    @cached_property
    def _model(self) -> _kernels.Stsg:
        return _kernels.Stsg(layers=self.layers)
