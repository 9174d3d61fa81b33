"""Scaling: how sure a head is, brought to how right it is: logits / temperature + bias.

A softmax takes one temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks"), sigmoids a bias
that they have in common, too (Platt 1999): how often a class sounds in what is heard is not how often it does
in what was learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import memory
from ..arrays import Bools, Float32, Float64
from ..classifier import Layer

TEMPERATURES = (0.01, 100.0)
BIASES = (-20.0, 20.0)
DOUBTFUL = {1: 3.841, 2: 5.991}  # of a likelihood ratio, 5 % of a chi-squared with so many degrees of freedom


@dataclass(frozen=True)
class Scaling:
    """What is done to logits; the default changes nothing."""

    temperature: float = 1.0
    bias: float = 0.0

    def __call__(self, logits: Float32) -> Float32:
        """Return logits / temperature + bias."""
        scaled: Float32 = logits * np.float32(1 / self.temperature) + np.float32(self.bias)
        return scaled

    def undone(self, logits: Float32) -> Float32:
        """Return the logits that were scaled to these."""
        plain: Float32 = (logits - np.float32(self.bias)) * np.float32(self.temperature)
        return plain

    def within(self, layer: Layer) -> Layer:
        """Return a last layer whose logits are scaled."""
        share = np.float32(1 / self.temperature)
        return Layer(layer.weight * share, layer.bias * share + np.float32(self.bias))


def fit(logits: Float32, targets: Bools, exclusive: bool, known: Bools | None = None) -> Scaling:
    """Return the scaling with which logits make what is true most likely.

    Parameters
    ----------
    logits : float32 [n, n_classes]
    targets : bool [n, n_classes]
        Of a softmax one in each row.
    exclusive : bool
        A softmax, and the likelihood of windows' classes; otherwise sigmoids, and the mean over all windows
        and classes.
    known : bool [n, n_classes], optional
        What is judged; all.

    Returns
    -------
    Scaling
        Temperatures 0.01 to 100. As if one more outcome than there are had been any other (cf. Platt 1999):
        that all of a few windows are right makes no head infinitely sure. Where the windows do not tell it
        from no scaling, by a likelihood ratio test at 5 %, that which changes nothing.
    """
    memory.load_algebra()
    from scipy.optimize import minimize

    known = np.ones_like(targets) if known is None else known
    z = np.where(known, logits, -np.inf).astype(np.float64)
    if exclusive:
        doubt = 1 / (len(z) + 1)
        wanted = (1 - doubt) * targets + doubt * known / known.sum(axis=1, keepdims=True)
    else:
        z, doubt = z[known], 1 / (known.sum() + 1)
        wanted = (1 - doubt) * targets[known] + doubt / 2
    told = np.multiply(wanted, z, out=np.zeros_like(z), where=wanted > 0).sum() / len(z)
    often = 0.0 if exclusive else float(wanted.mean())

    def loss(what: Float64) -> float:
        share, bias = np.exp(what[0]), 0.0 if exclusive else what[1]
        return float(_log_sum(z * share + bias, exclusive).mean() - share * told - bias * often)

    bounds = [(-np.log(TEMPERATURES[1]), -np.log(TEMPERATURES[0])), BIASES][: 1 if exclusive else 2]
    start = np.zeros(len(bounds))
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9})
    if 2 * len(z) * (loss(start) - loss(found.x)) < DOUBTFUL[len(bounds)]:
        return Scaling()
    return Scaling(float(np.exp(-found.x[0])), 0.0 if exclusive else float(found.x[1]))


def loss(logits: Float32, targets: Bools, exclusive: bool, known: Bools) -> float:
    """Return minus the mean logarithm of the probability of what is true; arguments as `fit`.

    Of a softmax the mean is over windows, else over all that is known of windows and classes.
    """
    z = np.where(known, logits, -np.inf).astype(np.float64)
    if exclusive:
        return float((_log_sum(z, exclusive) - z[targets & known]).mean())
    return float((_log_sum(z[known], exclusive) - z[known] * targets[known]).mean())


def _log_sum(logits: Float64, exclusive: bool) -> Float64:
    """Return the logarithm of what an activation divides by, for each row, or for each logit."""
    memory.load_algebra()
    from scipy.special import logsumexp

    found: Float64 = logsumexp(logits, axis=1) if exclusive else np.logaddexp(0, logits)
    return found
