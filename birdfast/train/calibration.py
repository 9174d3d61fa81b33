"""Calibration: confidences that are as often right as they say, and from which on a class is written.

A head is surer of windows than it is right. Its logits for windows that it has not heard (`innerfolds`) give
one temperature a model, by which all logits are divided (Guo et al. 2017): the order of a window's classes
stays. It goes into the last layer's weights, so that nobody who runs the model has to know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import metrics
from ..arrays import Array, Bools, Float32, Float64
from ..classifier import Layer
from ..scores import ScoreRule
from .background import NAME
from .head import NEVER
from .innerfolds import Learn, held_out_logits
from .recipe import Head
from .thresholds import threshold

TEMPERATURES = (0.01, 100.0)
FACTS = ("temperature", "precision", "n_windows", "ece_before", "ece")
NOTHING = np.array([1.0, 0.0, 0.0, np.nan, np.nan])  # was found, of a model's arrays from elsewhere
NAMES = ("calibration", "thresholds")  # of the arrays in which a stage keeps what was found


@dataclass(frozen=True, eq=False)
class Calibration:
    """What held-out windows told of a head.

    Attributes
    ----------
    temperature : float
        1 where no window could be held out.
    thresholds : float32 [n_classes]
        See `thresholds`; none where no window could be held out.
    precision : float
        What the thresholds were chosen for.
    n_windows : int
        How many were held out.
    ece_before, ece : float
        Their expected calibration error with temperature 1, and with the one found on them.
    """

    temperature: float
    thresholds: Float32
    precision: float
    n_windows: int
    ece_before: float
    ece: float

    def arrays(self, layers: Sequence[Layer]) -> dict[str, Array]:
        """Return what a stage keeps: `NAMES`, as float64 [5] (`FACTS`) and float32 [n_classes]; and a head.

        The temperature is in its last layer.
        """
        found: dict[str, Array] = {}
        for number, layer in enumerate(layers):
            share = np.float32(1 / self.temperature if number == len(layers) - 1 else 1)
            found[f"layer{number}_weight"] = layer.weight * share
            found[f"layer{number}_bias"] = layer.bias * share
        return found | {
            NAMES[0]: np.array([getattr(self, name) for name in FACTS], np.float64),
            NAMES[1]: self.thresholds,
        }


@dataclass(frozen=True, eq=False)
class Windows:
    """What a head learns from, whatever made it.

    Attributes
    ----------
    values : float32 [n, n_values]
        Embeddings of windows; variants of a window stand beside it.
    targets : bool [n, n_classes]
    within : bool [n, n_folds]
        See `innerfolds.deal`; without folds nothing is calibrated.
    asked : float32 [n / n_variants, n_values]
        What a model makes of each window when it is run: of the window alone, or the mean of its variants.
    """

    values: Float32
    targets: Bools
    within: Bools
    asked: Float32


def learn(windows: Windows, exclusive: bool, fit: Learn, choice: Head) -> dict[str, Array]:
    """Train a head on all windows, and calibrate it by heads that were trained without some.

    Parameters
    ----------
    windows : Windows
    exclusive : bool
        A softmax over the classes; otherwise a sigmoid for each.
    fit : callable
        Trains a head.
    choice : Head
        Its precision is wanted at the thresholds.

    Returns
    -------
    dict of str to array
        The head's layers, and `NAMES`.
    """
    values, targets = windows.values, windows.targets
    logits = held_out_logits(values, targets, windows.within, fit, windows.asked)
    found = of(logits, targets[:: len(values) // len(logits)], exclusive, choice.precision)
    return found.arrays(fit(values, targets))


def of(logits: Float32, targets: Bools, exclusive: bool, precision: float) -> Calibration:
    """Calibrate by the logits of held-out windows, [n, n_classes]; rows of NaN were not held out.

    A class that a fold had nothing of to learn from is not judged there, nor are windows of it of a softmax.
    """
    known = logits > NEVER / 2  # NaN is not
    if exclusive:
        known &= (known & targets).any(axis=1, keepdims=True)
    judged = known.any(axis=1)
    logits, targets, known = logits[judged], targets[judged], known[judged]
    if not judged.any():
        return Calibration(1.0, np.zeros(0, np.float32), precision, 0, float("nan"), float("nan"))
    found = temperature(logits, targets, exclusive, known)
    sure = confidences(logits / np.float32(found), exclusive)
    rows = [threshold(s[k], t[k], precision) for s, t, k in zip(sure.T, targets.T, known.T, strict=True)]
    tables = [reliability(some, targets) for some in (confidences(logits, exclusive), sure)]
    errors = [metrics.error_of([table]) for table in tables]
    return Calibration(found, np.array(rows, np.float32), precision, len(logits), *errors)


def temperature(logits: Float32, targets: Bools, exclusive: bool, known: Bools | None = None) -> float:
    """Return the temperature with which logits / temperature make what is true most likely.

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
    float, 0.01 to 100
        As if one more outcome than there are had been any other (cf. Platt 1999): that all of a few windows
        are right makes no head infinitely sure.
    """
    from scipy.optimize import minimize_scalar

    known = np.ones_like(targets) if known is None else known
    z = np.where(known, logits, -np.inf).astype(np.float64)
    if exclusive:
        doubt = 1 / (len(z) + 1)
        wanted = (1 - doubt) * targets + doubt * known / known.sum(axis=1, keepdims=True)
    else:
        z, doubt = z[known], 1 / (known.sum() + 1)
        wanted = (1 - doubt) * targets[known] + doubt / 2
    told = np.multiply(wanted, z, out=np.zeros_like(z), where=wanted > 0).sum() / len(z)

    def loss(log_share: float) -> float:
        share = np.exp(log_share)
        return float(_log_sum(z * share, exclusive).mean() - share * told)

    bounds = tuple(-np.log(bound) for bound in reversed(TEMPERATURES))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(-found.x))


def confidences(logits: Float32, exclusive: bool) -> Float32:
    """Return what `infer` makes of logits [n, n_classes]: confidences of all classes."""
    return ScoreRule("softmax" if exclusive else "sigmoid", 0.0).confidences(logits)


def reliability(confidence: Float32, targets: Bools) -> dict[str, list[float]]:
    """Return how sure and how right windows' most confident classes are; both are [n, n_classes].

    Of a window without a class the most confident one is wrong.
    """
    top = confidence.argmax(axis=1)
    rows = np.arange(len(top))
    return metrics.reliability(confidence[rows, top], targets[rows, top])


def judged(logits: Float32, targets: Bools, arrays: Mapping[str, Array], exclusive: bool) -> dict[str, Any]:
    """Return what a test of a model adds to its figures: calibration errors, and what they are made of.

    Parameters
    ----------
    logits : float32 [n, n_classes]
        Of windows that the training has not heard.
    targets : bool [n, n_classes]
    arrays : dict of str to array
        The model's, as `Training.model` returns them.
    exclusive : bool

    Returns
    -------
    dict
        "ece", "reliability"; and "ece_before", "reliability_before" of the same head with temperature 1.
    """
    share = np.float32(_facts(arrays)["temperature"])
    found: dict[str, Any] = {}
    for when, its in (("", logits), ("_before", logits * share)):
        table = reliability(confidences(its, exclusive), targets)
        found |= {f"ece{when}": metrics.error_of([table]), f"reliability{when}": table}
    return found


def told(arrays: Mapping[str, Array], classes: Sequence[str]) -> dict[str, Any]:
    """Return what a manifest says of what `learn` found: which class is background, its tables, if any."""
    facts, found = _facts(arrays), dict[str, Any]()
    if NAME in classes:
        found["background"] = NAME
    if facts["n_windows"]:
        found["calibration"] = facts | {"n_windows": int(facts["n_windows"])}
        values = [float(str(value)) for value in arrays[NAMES[1]]]  # the shortest that give the same float32
        pairs = zip(classes, values, strict=True)
        found["thresholds"] = {name: value for name, value in pairs if name != NAME}
    return found


def without(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return a model's arrays without those that its manifest tells."""
    return {name: array for name, array in arrays.items() if name not in NAMES}


def _log_sum(logits: Float64, exclusive: bool) -> Float64:
    """Return the logarithm of what an activation divides by, for each row, or for each logit."""
    from scipy.special import logsumexp

    found: Float64 = logsumexp(logits, axis=1) if exclusive else np.logaddexp(0, logits)
    return found


def _facts(arrays: Mapping[str, Array]) -> dict[str, float]:
    return dict(zip(FACTS, arrays.get(NAMES[0], NOTHING).tolist(), strict=True))
