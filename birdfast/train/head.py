"""The head: a classifier's layers from window embeddings and labels, by scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import memory
from ..arrays import Float32
from ..classifier import Layer
from ..errors import ConfigError
from .recipe import Head

MAX_ITERATIONS = 2000
PATIENCE_EPOCHS = 10
NEVER = -1e6  # the logit of a class without windows: no other comes near, and it is finite


def fit(
    values: Float32,
    targets: NDArray[np.bool_],
    exclusive: bool,
    head: Head,
    seed: int,
    weight: Float32 | None = None,
) -> list[Layer]:
    """Train a head.

    Parameters
    ----------
    values : float32 [n, n_values]
    targets : bool [n, n_classes]
        Which classes a window has.
    exclusive : bool
        One each: a softmax over the classes; otherwise a sigmoid for each.
    head : Head
        With `hidden`, a layer of so many neurons and ReLU by Adam, in so many `epochs`, or stopped when a
        tenth of the windows that is held back no longer gets better; without, logistic regression.
    seed : int
    weight : float32 [n], optional
        How much each window counts; all count 1.

    Returns
    -------
    list of Layer
        With a logit for every class; that of a class without windows is so low that it is never found.

    Raises
    ------
    ConfigError
        All windows have the same classes.
    """
    if (targets == targets[0]).all():
        raise ConfigError("a classifier needs two classes to tell apart: all that can be read have the same")
    with warnings.catch_warnings(), _one_thread():
        warnings.simplefilter("ignore")  # of not having converged: the held-out figures tell
        if not exclusive and head.hidden:
            return _hidden(values, targets.astype(np.int64), head, seed, weight)
        if not exclusive:
            return [_one_by_one(values, targets, head, weight)]
        there, labels = np.unique(targets.argmax(axis=1), return_inverse=True)
        if head.hidden:
            made = _hidden(values, labels, head, seed, weight)
        else:
            made = [_softmax(values, labels, head, weight)]
    return [*made[:-1], _for_all(_for_two(made[-1]), there, targets.shape[1])]


def told(targets: NDArray[np.bool_], classes: Sequence[str]) -> Iterator[str]:
    """Say of how much a head is going to learn: of windows with targets [n, n_classes]."""
    yield f"head: {len(targets):,} windows of {len(classes):,} classes"
    silent = np.flatnonzero(targets.sum(axis=0) == 0).tolist()
    if names := ", ".join(classes[number] for number in silent):
        yield f"head: without a window, and so never to be found: {names}"


def balance(targets: NDArray[np.bool_]) -> Float32:
    """Return weights with which each class counts as much as any other, and all windows as many as they are.

    A window of several classes has the mean of what it would have for each; those without any are a class.

    Parameters
    ----------
    targets : bool [n, n_classes]

    Returns
    -------
    float32 [n]
    """
    each = np.column_stack([targets, np.logical_not(targets.any(axis=1))])
    weight = (each / np.maximum(each.sum(axis=0), 1)).sum(axis=1) / each.sum(axis=1)
    found: Float32 = (weight * (len(weight) / weight.sum())).astype(np.float32)
    return found


def ridge(
    values: Float32, targets: NDArray[np.bool_], strength: float, weight: Float32 | None = None
) -> Layer:
    """Train a linear layer by least squares: 1 where a class is, -1 where it is not.

    Parameters
    ----------
    values, targets, weight
        As `fit`.
    strength : float
        The larger, the less weights are held down: 1 / strength is what their squares cost.

    Returns
    -------
    Layer
        Its outputs are no logits: they have the order, not the scale; see `fit` of classes without windows.
    """
    from sklearn.linear_model import Ridge

    wanted = np.where(targets, np.float32(1), np.float32(-1))
    with _one_thread():
        made = Ridge(alpha=1 / strength).fit(values, wanted, sample_weight=weight)
    there = np.flatnonzero(targets.any(axis=0))
    return _for_all(_layer(made.coef_[there], made.intercept_[there]), there, targets.shape[1])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let products of matrices be made by one thread: several wait for each other longer than they work here.

    On two cores that others shared a logistic regression took 0.3 s by one thread and 22 by two. And the same
    bytes come of it, however many cores there are.
    """
    memory.load_algebra()
    from sklearn import linear_model, neural_network  # noqa: F401  what is loaded later keeps its threads
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _hidden(
    values: Float32, labels: NDArray[np.int64], head: Head, seed: int, weight: Float32 | None
) -> list[Layer]:
    from sklearn.neural_network import MLPClassifier

    stops_early = not head.epochs and len(values) >= 100  # a tenth of fewer says nothing
    if labels.ndim == 1 and labels.max() == 1:  # of two classes, a tenth of each is held back
        rows = _singles_twice(labels)
        values, labels, weight = values[rows], labels[rows], None if weight is None else weight[rows]
    made = MLPClassifier(
        (head.hidden,),
        solver="adam",
        learning_rate_init=head.learning_rate,
        alpha=head.decay,
        max_iter=head.epochs or 200,
        early_stopping=stops_early,
        n_iter_no_change=PATIENCE_EPOCHS,
        random_state=seed,
    ).fit(values, labels, **({} if weight is None else {"sample_weight": weight}))
    return [_layer(weight.T, bias) for weight, bias in zip(made.coefs_, made.intercepts_, strict=True)]


def _singles_twice(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all windows' numbers, and those of classes' only ones twice: one may be held back."""
    single = np.flatnonzero(np.bincount(labels)[labels] == 1)
    return np.append(np.arange(len(labels)), single)


def _regression(head: Head) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=head.strength, max_iter=MAX_ITERATIONS)


def _softmax(values: Float32, labels: NDArray[np.int64], head: Head, weight: Float32 | None) -> Layer:
    made = _regression(head).fit(values, labels, weight)
    return _layer(made.coef_, made.intercept_)


def _one_by_one(values: Float32, targets: NDArray[np.bool_], head: Head, weight: Float32 | None) -> Layer:
    rows = [_linear_of_one(values, wanted, head, weight) for wanted in targets.T]
    return _layer(np.stack([row for row, _ in rows]), np.array([bias for _, bias in rows]))


def _linear_of_one(
    values: Float32, wanted: NDArray[np.bool_], head: Head, weight: Float32 | None
) -> tuple[NDArray[np.float64], float]:
    if wanted.all() or not wanted.any():  # nothing to tell apart: as sure as the data are
        return np.zeros(values.shape[1]), 10.0 if wanted.all() else NEVER
    made = _regression(head).fit(values, wanted, weight)
    return made.coef_[0], float(made.intercept_[0])


def _for_two(layer: Layer) -> Layer:
    """Return a logit for each of two classes, which come as one, that of the second: the first one's is 0."""
    if len(layer.weight) > 1:
        return layer
    return _layer(np.vstack([np.zeros_like(layer.weight), layer.weight]), np.append(0, layer.bias))


def _for_all(layer: Layer, there: NDArray[np.int64], n_classes: int) -> Layer:
    """Give classes that are not `there` a logit far below every other."""
    weight, bias = np.zeros((n_classes, layer.weight.shape[1])), np.full(n_classes, NEVER)
    weight[there], bias[there] = layer.weight, layer.bias
    return _layer(weight, bias)


def _layer(weight: Any, bias: Any) -> Layer:
    return Layer(np.ascontiguousarray(weight, np.float32), np.asarray(bias, np.float32))
