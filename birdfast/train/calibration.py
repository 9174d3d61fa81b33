"""Calibration: confidences that are as often right as they say, and from which on a class is written.

A head is surer of windows than it is right. Its logits for windows that it has not heard (`innerfolds`) give
one `Scaling` a model: the order of a window's classes stays. It goes into the last layer, so that nobody who
runs the model has to know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import metrics
from ..arrays import Array, Bools, Float32
from ..classifier import Layer
from ..scores import ScoreRule
from . import scaling
from .background import NAME
from .head import NEVER
from .innerfolds import Learn, held_out_logits
from .recipe import Head
from .scaling import Scaling
from .thresholds import threshold

FACTS = ("temperature", "bias", "precision", "n_windows", "ece_before", "ece")
NOTHING = np.array([1.0, 0.0, 0.0, 0.0, np.nan, np.nan])  # was found, of a model's arrays from elsewhere
NAMES = ("calibration", "thresholds")  # of the arrays in which a stage keeps what was found


@dataclass(frozen=True, eq=False)
class Calibration:
    """What held-out windows told of a head.

    Attributes
    ----------
    scaling : Scaling
        That which changes nothing where no window could be held out.
    thresholds : float32 [n_classes]
        See `thresholds`; none where no window could be held out.
    precision : float
        What the thresholds were chosen for.
    n_windows : int
        How many were held out.
    ece_before, ece : float
        Their expected calibration error before, and with the scaling found on them.
    loss : float
        What was true, of all of them: minus the mean logarithm of its probability, scaled.
    """

    scaling: Scaling
    thresholds: Float32
    precision: float
    n_windows: int
    ece_before: float
    ece: float
    loss: float = float("nan")

    def arrays(self, layers: Sequence[Layer]) -> dict[str, Array]:
        """Return what a stage keeps: `NAMES`, as float64 [6] (`FACTS`) and float32 [n_classes]; and a head.

        The scaling is in its last layer.
        """
        found: dict[str, Array] = {}
        for number, layer in enumerate([*layers[:-1], self.scaling.within(layers[-1])]):
            found |= {f"layer{number}_weight": layer.weight, f"layer{number}_bias": layer.bias}
        scaled = {"temperature": self.scaling.temperature, "bias": self.scaling.bias}
        facts = [scaled.get(name) if name in scaled else getattr(self, name) for name in FACTS]
        return found | {NAMES[0]: np.array(facts, np.float64), NAMES[1]: self.thresholds}


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
    return held_out(windows, exclusive, fit, choice).arrays(fit(windows.values, windows.targets))


def held_out(windows: Windows, exclusive: bool, fit: Learn, choice: Head) -> Calibration:
    """Calibrate by heads that were trained without some of the windows; parameters as `learn`."""
    values, targets = windows.values, windows.targets
    logits = held_out_logits(values, targets, windows.within, fit, windows.asked)
    return of(logits, targets[:: len(values) // len(logits)], exclusive, choice.precision)


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
        return Calibration(Scaling(), np.zeros(0, np.float32), precision, 0, float("nan"), float("nan"))
    found = scaling.fit(logits, targets, exclusive, known)
    sure = confidences(found(logits), exclusive)
    rows = [threshold(s[k], t[k], precision) for s, t, k in zip(sure.T, targets.T, known.T, strict=True)]
    tables = [reliability(some, targets) for some in (confidences(logits, exclusive), sure)]
    before, after = (metrics.error_of([table]) for table in tables)
    loss = scaling.loss(found(logits), targets, exclusive, known)
    return Calibration(found, np.array(rows, np.float32), precision, len(logits), before, after, loss)


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
        "ece", "reliability"; and "ece_before", "reliability_before" of the same head without its scaling.
    """
    facts = _facts(arrays)
    before = Scaling(facts["temperature"], facts["bias"]).undone(logits)
    found: dict[str, Any] = {}
    for when, its in (("", logits), ("_before", before)):
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


def _facts(arrays: Mapping[str, Array]) -> dict[str, float]:
    return dict(zip(FACTS, arrays.get(NAMES[0], NOTHING).tolist(), strict=True))
