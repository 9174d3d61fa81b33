"""Proof that a rewritten model says what the original says."""

from collections.abc import Iterator, Mapping

import numpy as np

from ..frontends.tables import Array
from ..runtimes import litert
from .graph import Graph, reads


def signals(samples: int, *, recorded: bool = False) -> dict[str, Array]:
    """The windows on which every rewrite is tried: float32 ``[samples]`` each, always the same.

    Parameters
    ----------
    samples
        Length of a window.
    recorded
        Tones as a 16-bit recorder would give them, with the noise of its last bit, not as pure numbers.

    Silence and what is nearly silent, pure tones and clicks are the hard ones: most of a spectrogram is then
    rounding noise, and a front end that rounds elsewhere than the graph gives a network other features.
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


def _song(rng: np.random.Generator, samples: int) -> Array:
    """Sweeps with harmonics over noise that falls with frequency: what a recording of birds is like."""
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


def find_logits(graph: Graph) -> int:
    """The first output, or what stands in front of the LOGISTIC or SOFTMAX that closes the graph."""
    output = graph.outputs[0]
    maker = graph.producer().get(output)
    if maker is not None and graph.name(graph.operators[maker]) in {"LOGISTIC", "SOFTMAX"}:
        return reads(graph.operators[maker])[0]
    return output


def with_output(graph: Graph, tensor: int) -> bytes:
    """The same model with one more output."""
    shown = graph.copy()
    shown.main.outputs = np.asarray([*dict.fromkeys([*graph.outputs, tensor])], np.int32)
    shown.model.signatureDefs = None
    return shown.write()


def batches(windows: Mapping[str, Array], size: int) -> Iterator[tuple[list[str], Array]]:
    """Names and ``[size, samples]`` of windows, the last batch filled with silence."""
    names = list(windows)
    for low in range(0, len(names), size):
        chosen = names[low : low + size]
        stack = np.stack([windows[name] for name in chosen])
        yield chosen, np.concatenate([stack, np.zeros((size - len(chosen), stack.shape[1]), np.float32)])


def differences(trials: Mapping[str, Array], expected: Array, found: Array) -> dict[str, float]:
    """The largest logit difference of each window; infinite where only one of the two is a number."""
    with np.errstate(invalid="ignore"):
        gaps = np.abs(found - expected)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    worst = np.where(same, 0, np.where(np.isnan(gaps), np.inf, gaps)).max(axis=1)
    return {name: float(gap) for name, gap in zip(trials, worst, strict=True)}


def logits(graph: Graph, tensor: int, trials: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    """What a model that takes samples in this shape says of each window: ``[windows, classes]``."""
    source, size = graph.inputs[0], shape[0] if len(shape) > 1 else 1
    runner = litert.start(with_output(graph, tensor), shapes={source: shape})
    rows = []
    for names, stack in batches(trials, size):
        found = litert.run(runner, {source: stack.reshape(shape)}, [tensor])[0]
        rows.append(found.reshape(size, -1)[: len(names)])
    return np.concatenate(rows)
