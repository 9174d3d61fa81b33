"""A front end's tables handed to the compiled kernels.

Of a TFLite network the transforms are done in double on products of frame and window rounded to float32,
because that is what its runtime does. It matters: BirdNET takes a root of exponent 0.2 from each band, and
8-bit networks round the spectrum, so a transform in float32 moves logits by 0.4 in windows with digital
silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .. import _kernels
from ..arrays import Float32
from ..errors import ConfigError
from ..spectrogram import plans
from .normalization import NetworkNormalization
from .tables import Branch, FrontEnd, Step

T = TypeVar("T", float, None)
Kernel = Callable[[Float32, Float32], Float32]
BIRDNET = NetworkNormalization("min", "range", 1e-6, 2.0, -1.0)


def kernel(front_end: FrontEnd) -> Kernel:
    """Return the fastest thing that computes a front end.

    Parameters
    ----------
    front_end : FrontEnd
        The tables. Where the kernels lack something that they ask for, NumPy computes them.

    Returns
    -------
    callable
        kernel(samples, out) -> out, as `FrontEnd` itself. It has memory to work in: one thread at a time.
    """
    try:
        return _Compiled(front_end)
    except (ConfigError, ValueError):
        return front_end


def takes_steps(branch: Branch) -> bool:
    """Whether the kernels have the steps of a branch."""
    try:
        _post(branch)
    except ConfigError:
        return False
    return True


def words(front_end: FrontEnd) -> str:
    """Return what a front end computes, in words, and whether NumPy has to."""
    by_numpy = kernel(front_end) is front_end
    return front_end.words() + ("; by NumPy, which is slower: no kernel does this" if by_numpy else "")


class _Compiled:
    def __init__(self, front_end: FrontEnd) -> None:
        self.front_end = front_end
        self._plans = [_plan(branch, front_end.exact) for branch in front_end.branches]
        self._samples = np.empty(front_end.samples, np.float32)

    def __call__(self, samples: Float32, out: Float32) -> Float32:
        """Fill `out`, float32 of the shape `FrontEnd.batched`, from float32 [batch, samples]."""
        flat = out.reshape(len(samples), -1)
        for window, row in zip(samples, flat, strict=True):
            normalized = self._normalize(window)
            for plan, branch in zip(self._plans, self.front_end.branches, strict=True):
                plan.run(normalized, _view(row, branch), start=branch.start, pad=branch.pad)
        return out

    def _normalize(self, window: Float32) -> Float32:
        if self.front_end.normalization == NetworkNormalization():
            return np.ascontiguousarray(window, np.float32)
        if self.front_end.normalization == BIRDNET:
            _kernels.normalize(np.ascontiguousarray(window, np.float32), self._samples)
            return self._samples
        normalized: Float32 = self.front_end.normalization(window[None].astype(np.float32, copy=False))[0]
        return normalized


def _view(row: Float32, branch: Branch) -> Float32:
    """Return the places of a branch in a window's flat output, as [frames, bands]."""
    item = row.itemsize
    strides = (branch.frame_stride * item, branch.band_stride * item)
    shape = (branch.frames, branch.bands)
    return np.ndarray(shape, np.float32, row, branch.offset * item, strides)


def _plan(branch: Branch, exact: bool) -> _kernels.FramePlan:
    used = np.flatnonzero(branch.window)
    length = int(used[-1]) + 1 if used.size else 1
    # a window as long as the transform may be folded, which needs its last sample even if it is 0
    window = branch.window if 2 * length > branch.n_fft + 2 else branch.window[:length]
    bands = None if branch.weights is None else np.ascontiguousarray(branch.weights, np.float32)
    transform = plans.frame_transform(branch.n_fft, window, branch.part, exact=exact)
    return _kernels.FramePlan(transform, branch.hop, bands=bands, bias=branch.bias, **_post(branch))


def _post(branch: Branch) -> dict[str, Any]:
    """Return the steps as the kernels know them: one root or logarithm, then scale and shift."""
    steps = list(branch.steps)
    options: dict[str, Any] = {}
    if any(name == "log" for name, _ in steps):
        options = {
            "post": "log",
            "offset": _take(steps, "add", 0.0),
            "floor": _take(steps, "maximum", -np.inf),
        }
        _need(steps, "log")
    elif steps and steps[0][0] in {"square", "power", "sqrt"}:
        square, root = (_take(steps, name, None) is not None for name in ("square", "sqrt"))
        exponent = (0.5 if root else 1.0) * _take(steps, "power", 1.0)
        options = {"post": "pow", "square": square, "exponent": exponent}
    scale = _take(steps, "multiply", 1.0)
    shift = _take(steps, "add", 0.0)
    if steps:
        raise ConfigError(f"no kernel for {steps}")
    return {**options, "scale": scale * branch.scale, "shift": shift * branch.scale + branch.shift}


def _take(steps: list[Step], name: str, otherwise: T) -> float | T:
    return steps.pop(0)[1] if steps and steps[0][0] == name else otherwise


def _need(steps: list[Step], name: str) -> None:
    if not steps or steps.pop(0)[0] != name:
        raise ConfigError(f"no kernel for steps before {name}")
