"""Proof that a rewritten model says what the original says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from ..arrays import Float32, Float64
from ..errors import ModelError
from ..runtimes import litert
from . import ending, surgery
from .graph import Graph
from .operators import RESHAPES, reads
from .roles import is_logits

# Peaks of sound that is louder than any: int16 as floats, and more.
LOUD = {"noise to 3": 3.0, "noise to 40000": 40_000.0}
FLATTEST = 1e-3  # slope of a sigmoid: where it is flatter, the rounding of numbers near 1 would be judged


def signals(samples: int, *, recorded: bool = False) -> dict[str, Float32]:
    """Return the windows on which every rewrite is tried, always the same.

    Silence and what is nearly silent, pure tones and clicks are the hard ones: most of a spectrogram is then
    rounding noise, and a front end that rounds elsewhere than the graph gives a network other features.

    Parameters
    ----------
    samples : int
        Length of a window.
    recorded : bool
        Tones as a 16-bit recorder would give them, with the noise of its last bit, not as pure numbers.

    Returns
    -------
    dict of str to float32 [samples], in -1..1
        By what they are called in reports.
    """
    rng = np.random.default_rng(20)
    n, half = np.arange(samples), samples // 2
    noise = rng.normal(0, 0.1, samples)
    song = _song(rng, samples)
    tones = {"tone": 0.5 * np.sin(0.1 * n), "high tone": 0.9 * np.sin(3 / 8 * np.pi * n + 1)}
    if recorded:
        tones = {name: np.rint(x * 32767 + rng.normal(0, 1, samples)) / 32768 for name, x in tones.items()}
    spectrum = np.fft.rfft(song)
    spectrum[len(spectrum) // 2 :] = 0
    found = {
        "noise": noise,
        "silence": np.zeros(samples),
        "constant": np.full(samples, 0.25),
        **tones,
        "click": (n == half).astype(float),
        "clicks": (n % max(samples // 7, 1) == 0).astype(float),
        "clipped": np.clip(20 * noise, -1, 1),
        "song": song,
        "song, quiet": 1e-3 * song,
        "song, 16 bits": np.rint(song * 3276.8) / 32768,
        "song, then zeros": np.where(n < half, song, 0),
        "song, upsampled": np.fft.irfft(spectrum, samples),
        "song, offset": song + 0.2,
    }
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


def loud(samples: int) -> dict[str, Float32]:
    """Return windows beyond -1..1, as `signals`: there a network may do something else, as with int16."""
    found = {name: window for name, window in signals(samples).items() if name == "noise"}
    size = np.abs(found["noise"]).max()
    return {name: found["noise"] * (peak / size) for name, peak in LOUD.items()}


def _song(rng: np.random.Generator, samples: int) -> Float64:
    """Return sweeps with harmonics over noise that falls with frequency: birds, as they are recorded."""
    spectrum = rng.normal(size=samples // 2 + 1) + 1j * rng.normal(size=samples // 2 + 1)
    song = np.fft.irfft(spectrum / np.sqrt(np.arange(1, samples // 2 + 2)), samples)
    song *= 0.01 / song.std()
    for start in rng.uniform(0, 0.9, 8):
        t = np.arange(int(samples * rng.uniform(0.02, 0.1)))
        low, slope = rng.uniform(0.1, 1.2), rng.uniform(-0.5, 0.5)
        phase = low * t + slope * t * t / len(t) / 2
        call = np.hanning(len(t)) * (np.sin(phase) + 0.3 * np.sin(2 * phase)) * rng.uniform(0.02, 0.3)
        at = int(start * samples)
        end = min(samples, at + len(t))
        song[at:end] += call[: end - at]
    return song


def find_logits(graph: Graph, output: int | None = None) -> int:
    """Return an output's tensor, or the one before the activation that closes a graph; None is the first.

    What is close to 0 or 1 hides differences; a reshape after the activation hides nothing. Where more than
    that lies behind it there is no one tensor of logits: see `are_confidences`.
    """
    output = graph.outputs[0] if output is None else output
    makers, tensor = graph.producer(), output
    while tensor in makers:
        operator = graph.operators[makers[tensor]]
        if graph.name(operator) in ending.ACTIVATIONS:
            return reads(operator)[0]
        if graph.name(operator) not in RESHAPES:
            break
        tensor = reads(operator)[0]
    return output


def are_confidences(graph: Graph, tensor: int) -> bool:
    """Return whether a tensor, of `find_logits`, can only lie between 0 and 1: no logits are to be had."""
    return ending.of(graph, tensor) in ending.CONFIDENT


def batches(windows: Mapping[str, Float32], size: int) -> Iterator[tuple[list[str], Float32]]:
    """Yield windows by so many, the last ones filled up with silence.

    Parameters
    ----------
    windows : dict of str to float32 [samples]
    size : int

    Yields
    ------
    (list of str, float32 [size, samples])
        The names leave out the silence.
    """
    names = list(windows)
    for low in range(0, len(names), size):
        chosen = names[low : low + size]
        stack = np.stack([windows[name] for name in chosen])
        yield chosen, np.concatenate([stack, np.zeros((size - len(chosen), stack.shape[1]), np.float32)])


def differences(
    trials: Iterable[str], expected: Float32, found: Float32, *, confidences: bool = False
) -> dict[str, float]:
    """Return the largest difference of a logit in each window.

    Of confidences p it is what a logit would have to differ by to make theirs: a sigmoid and a softmax have
    the slope p (1 - p), and a weighted mean of several has no more. So one tolerance means the same for both.

    Parameters
    ----------
    trials : iterable of str
        What the windows are called.
    expected, found : float32 [windows, classes]
    confidences : bool
        Whether they are confidences; see `are_confidences`.

    Returns
    -------
    dict of str to float
        Infinite where only one of the two is a number.

    Raises
    ------
    ModelError
        They are not of as many classes.
    """
    if expected.shape != found.shape:
        raise ModelError(f"scores {found.shape[1]} classes a window, and the original {expected.shape[1]}")
    with np.errstate(invalid="ignore"):
        gaps = np.abs(found - expected)
        if confidences:
            gaps /= np.maximum(expected * (1 - expected), FLATTEST)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    worst = np.where(same, 0, np.where(np.isnan(gaps), np.inf, gaps)).max(axis=1)
    return {name: float(gap) for name, gap in zip(trials, worst, strict=True)}


def of_output(
    role: str, end: str, trials: Iterable[str], expected: Float32, found: Float32
) -> dict[str, float]:
    """Return the largest difference of an output in each window: of scores as `differences`.

    Of vectors it is a part of their largest value, so that one tolerance means the same for all.

    Parameters
    ----------
    role : str
    end : GraphEnd or ""
        What scores have been through last.
    trials, expected, found
        As `differences`.
    """
    if is_logits(role):
        return differences(trials, expected, found, confidences=end in ending.CONFIDENT)
    return as_parts(trials, expected, found)


def of_each(
    role: str, end: str, trials: Iterable[str], expected: Float32, found: Float32
) -> dict[str, float]:
    """Return `of_output`, but of windows of `loud` `as_parts`, each by itself: they differ in size by far."""
    names = list(trials)
    usual = [place for place, name in enumerate(names) if name not in LOUD]
    gaps = of_output(role, end, [names[place] for place in usual], expected[usual], found[usual])
    for place, name in enumerate(names):
        if name in LOUD:
            one = slice(place, place + 1)
            gaps |= as_parts([name], expected[one], found[one])
    return gaps


def as_parts(trials: Iterable[str], expected: Float32, found: Float32) -> dict[str, float]:
    """Return `differences` as parts of the largest number that is expected, where that is above 1."""
    largest = np.float32(max(1, np.abs(expected[np.isfinite(expected)]).max(initial=0)))
    return differences(trials, expected / largest, found / largest)


def logits(graph: Graph, tensor: int, trials: Mapping[str, Float32], shape: tuple[int, ...]) -> Float32:
    """Return what a model says of windows.

    Parameters
    ----------
    graph : Graph
    tensor : int
        Of the logits; see `find_logits`.
    trials : dict of str to float32 [samples]
    shape : tuple of int
        In which the model is given its samples; see `fold.input_shape`.

    Returns
    -------
    float32 [windows, classes]

    Raises
    ------
    ModelError
        The runtime cannot run it.
    """
    source, size = graph.inputs[0], shape[0] if len(shape) > 1 else 1
    runner = litert.start(surgery.with_outputs(graph, [tensor]), shapes={source: shape})
    quantised, rows = litert.steps(runner).get(tensor), []
    for names, stack in batches(trials, size):
        found = litert.run(runner, {source: stack.reshape(shape)}, [tensor])[0]
        rows.append(litert.floats(found, quantised).reshape(size, -1)[: len(names)])
    return np.concatenate(rows)
