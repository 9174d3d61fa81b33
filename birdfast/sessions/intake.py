"""The intake of a network: windows of sound to the tensor that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array, Float32
from ..errors import ConfigError, ModelError
from ..words import typed

if TYPE_CHECKING:
    from ..frontends.recipe import Recipe

LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
SHAPES = "[n], [batch, n], [batch, n, 1] or [batch, 1, n]"


class Intake:
    """What a network's input is fed from windows.

    Parameters
    ----------
    dtype : str
        NumPy's word for the input's type: float32, float16, or int8, uint8 and int16 with a `scale`.
    shape : sequence of int or None
        The input's; None is any length.
    window_samples : int
        What the model's facts tell; 0: nothing.
    recipe : Recipe or None
        The picture that the network takes; None: the sound itself.
    rate_hz : int
        Of the sound; 0: it is no sound, but the embedding that a head takes.
    scale, zero_point : float, int
        A quantised value q stands for ``scale * (q - zero_point)``; scale 0: it is not quantised.

    Attributes
    ----------
    window_samples : int
    batch : int or None
        Windows that the input holds at a time; None: any number.

    Raises
    ------
    ModelError
        The input is of another kind; the message says what it takes, and what it can be given.
    """

    def __init__(
        self,
        dtype: str,
        shape: Sequence[int | None],
        window_samples: int = 0,
        recipe: Recipe | None = None,
        rate_hz: int = 0,
        scale: float = 0.0,
        zero_point: int = 0,
    ) -> None:
        self._type = _type(dtype, shape, scale)
        self._scale, self._zero_point = scale, zero_point
        self._draw: Callable[[Float32], Float32] | None = None
        if recipe is None:
            self.batch, self._item = _waveform(dtype, shape, window_samples, is_head=not rate_hz)
            self.window_samples = int(np.prod(self._item))
            return
        if not (window_samples and rate_hz):
            raise ModelError("takes pictures; its facts have to tell rate_hz and window_samples")
        from ..frontends.share import SharedPictures

        try:
            draw = SharedPictures(recipe, rate_hz, window_samples)
        except ConfigError as error:
            raise ModelError(f"its front end cannot be: {error}") from error
        self._draw, self.window_samples = draw, window_samples
        self.batch, self._item = _picture(dtype, shape, draw.shape, recipe.layout)

    def shape(self, n: int) -> tuple[int, ...]:
        """Return the shape of what the input is given for n windows."""
        return self._item if self.batch == 0 else (n, *self._item)

    def __call__(self, windows: Float32) -> Array:
        """Return what the input is to have, for float32 [n, window_samples]."""
        made = windows if self._draw is None else self._draw(windows)
        made = made.reshape(self.shape(len(windows)))
        if self._scale:
            steps = np.rint(made / np.float32(self._scale)) + np.float32(self._zero_point)
            made = np.clip(steps, *LIMITS[self._type.name])
        return made.astype(self._type, copy=False)


def _type(dtype: str, shape: Sequence[int | None], scale: float) -> np.dtype[np.generic]:
    if dtype in ("float32", "float16") or (dtype in LIMITS and scale > 0):
        return np.dtype(dtype)
    why = "does not say what its numbers stand for (no scale)" if dtype in LIMITS else "is no sound"
    raise ModelError(f"takes {typed(dtype, shape)}, which {why}; it can be given float32 {SHAPES}")


def _waveform(
    dtype: str, shape: Sequence[int | None], told: int, *, is_head: bool
) -> tuple[int | None, tuple[int, ...]]:
    """Return the batch that an input of sound holds (0: it has no such axis), and the shape of one window."""
    lengths = list(shape)
    batch: int | None = 0 if len(lengths) == 1 else lengths.pop(0)
    long = [place for place, length in enumerate(lengths) if length != 1]
    if len(lengths) > 2 or len(long) != 1 or (batch is not None and len(shape) > 1 and batch < 1):
        raise ModelError(
            f"takes {typed(dtype, shape)}, which is no window of sound; it can be given float32 {SHAPES},"
            " or a spectrogram whose recipe stands in its model.toml (front_end: `birdfast models add`)"
        )
    found = lengths[long[0]] or told
    if not found or found < 2:
        raise ModelError(
            f"takes {typed(dtype, shape)}, any length of sound; its facts have to tell window_samples"
        )
    if told and told != found:
        if is_head:
            raise ModelError(f"is a head that takes {found} values; its backbone's embedding has {told}")
        raise ModelError(f"takes windows of {found} samples, not {told}")
    lengths[long[0]] = found
    return batch, tuple(length or 1 for length in lengths)


def _picture(
    dtype: str, shape: Sequence[int | None], made: tuple[int, ...], layout: str
) -> tuple[int | None, tuple[int, ...]]:
    """Return the batch that an input of pictures holds, and the shape of one: one channel needs no axis."""
    channel, bare = (made[0], made[1:]) if layout == "NCHW" else (made[-1], made[:-1])
    for item in (made, bare) if channel == 1 else (made,):
        wanted = shape[1:]
        if len(wanted) == len(item) and all(a in (None, b) for a, b in zip(wanted, item, strict=True)):
            return shape[0], item
    raise ModelError(
        f"takes {typed(dtype, shape)}, but its front end makes [batch, {', '.join(map(str, made))}]"
    )
