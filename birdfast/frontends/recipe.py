"""A recipe: the spectrogram that a network was trained on, as a manifest tells it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from ..config import above_zero, check, number
from ..errors import ConfigError

Level = Literal["none", "log", "db", "pcen"]
Scaling = Literal["none", "fixed", "min-max", "standard"]
Fit = Literal["none", "crop", "resize"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What lies between a window of sound and the picture that a network takes, in this order.

    Two recipes that are equal give the same picture.

    Attributes
    ----------
    n_fft, hop_samples : int
        Points of the transform, and samples from frame to frame.
    window, window_samples : str, int
        As `spectrogram.window_values` knows them; 0: as long as the transform.
    place : "middle" or "start"
        Where a shorter window lies in the transform. At its start a frame counts as soon as the window fits,
        as scipy has it.
    center, pad_mode : bool, "constant" or "reflect"
        Frames lie about multiples of the hop, and what they reach outside of the sound is zeros, or mirrored.
    power : 1 or 2
        The magnitude or the power of a bin.
    scale : "mel" or "linear"
        Bands of triangles, or the bins themselves from `fmin_hz` to `fmax_hz`.
    n_mels, mel_scale, mel_norm : int, "htk" or "slaney", "none" or "slaney"
        See `spectrogram.mel.filters`.
    fmin_hz, fmax_hz : float
        0 as `fmax_hz`: half the rate.
    level : "none", "log", "db" or "pcen"
        Of a band's value v: v; ``log(max(v + offset, amin))``; ``10 log10(max(v, amin) / reference)``, twice
        that of a magnitude; or per-channel energy normalization (Wang et al. 2017, eq. 1).
    offset, amin : float
        Of level "log"; of "log" and "db".
    reference : float
        0: the window's largest value.
    top_db : float
        Raise what is more than so much below the window's largest value; 0: nothing.
    span_db : float
        Lower what is more than so much above the level of `amin`; 0: nothing.
    pcen_gain, pcen_bias, pcen_power, pcen_smoothing, pcen_epsilon : float
    pcen_start : "one" or "first"
        What the smoothed energy begins with: 1, as librosa has it, or the first frame's.
    flip : bool
        The lowest band is the last row.
    fit, bands, frames, antialias, pad_value : "none", "crop" or "resize", int, int, bool, float
        The picture's size: cut or padded at its ends, or resized bilinearly.
    resized_as : "torch" or "skimage"
        ``torch.nn.functional.interpolate(align_corners=False)``, or ``skimage.transform.resize(order=1)``
        with its Gaussian, if `antialias`, and its mirrors at the ends.
    scaling : "none", "fixed", "min-max" or "standard"
        ``(v - mean) / deviation`` of two numbers; of the picture's least and range, or of its own mean and
        deviation (n - 1), where ``epsilon`` is added to what divides.
    mean, deviation, epsilon : float
    exponent : float
        Of the values behind that, if they are above 0.
    channels : 1 or 3
        As many copies of it.
    layout : "NCHW" or "NHWC"

    Raises
    ------
    ConfigError
        A value that cannot be.
    """

    n_fft: int
    hop_samples: int
    window: str = "hann"
    window_samples: int = 0
    place: Literal["middle", "start"] = "middle"
    center: bool = True
    pad_mode: Literal["constant", "reflect"] = "reflect"
    power: Literal[1, 2] = 2
    scale: Literal["mel", "linear"] = "mel"
    n_mels: int = 128
    mel_scale: Literal["htk", "slaney"] = "htk"
    mel_norm: Literal["none", "slaney"] = "none"
    fmin_hz: float = 0.0
    fmax_hz: float = 0.0
    level: Level = "db"
    offset: float = 0.0
    amin: float = 1e-10
    reference: float = 1.0
    top_db: float = 0.0
    span_db: float = 0.0
    pcen_gain: float = 0.98
    pcen_bias: float = 2.0
    pcen_power: float = 0.5
    pcen_smoothing: float = 0.025
    pcen_epsilon: float = 1e-6
    pcen_start: Literal["one", "first"] = "one"
    flip: bool = False
    fit: Fit = "none"
    bands: int = 0
    frames: int = 0
    antialias: bool = True
    resized_as: Literal["torch", "skimage"] = "torch"
    pad_value: float = 0.0
    scaling: Scaling = "none"
    mean: float = 0.0
    deviation: float = 1.0
    epsilon: float = 0.0
    exponent: float = 1.0
    channels: Literal[1, 3] = 1
    layout: Literal["NCHW", "NHWC"] = "NCHW"

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            _check(name, getattr(self, name), kind)
        for name in POSITIVE:
            above_zero(name, getattr(self, name))
        for name in NOT_NEGATIVE:
            number(name, getattr(self, name), 0)
        if self.offset and self.level != "log":
            raise ConfigError(f'offset: {self.offset!r} does not fit; it takes 0, but where level is "log"')
        if self.span_db and (self.level != "db" or not self.reference):
            raise ConfigError(
                f"span_db: {self.span_db!r} does not fit; it takes 0, but of decibels of one reference"
            )
        if self.place == "start" and self.center:
            raise ConfigError('place: "start" does not fit frames about multiples of the hop (center)')
        if self.fit != "none" and not (self.bands > 0 and self.frames > 0):
            raise ConfigError(f"fit: {self.fit!r} needs the picture's size: bands and frames of 1 or more")

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Recipe:
        """Return the recipe that a manifest's table tells.

        Raises
        ------
        ConfigError
            It lacks a key, has an unknown one, or a value that cannot be.
        """
        unknown = sorted(told.keys() - KINDS.keys())
        if unknown:
            raise ConfigError(f"unknown key {unknown[0]}; a recipe has {', '.join(KINDS)}")
        lacking = [name for name in ("n_fft", "hop_samples") if name not in told]
        if lacking:
            raise ConfigError(f"lacks {lacking[0]}")
        return cls(**told)


KINDS: Mapping[str, Any] = {
    name: kind for name, kind in get_type_hints(Recipe).items() if name in Recipe.__dataclass_fields__
}
PCEN = ("pcen_power", "pcen_smoothing", "pcen_epsilon")
POSITIVE = ("n_fft", "hop_samples", "n_mels", "amin", "deviation", "exponent", *PCEN)
NOT_NEGATIVE = ("reference", "top_db", "span_db")


def _check(name: str, value: Any, kind: Any) -> None:
    choices = get_args(kind)
    if choices:
        fits = type(value) in {type(choice) for choice in choices} and value in choices
        takes = " or ".join(map(repr, choices))
    elif kind is float:
        fits = type(value) in (int, float) and math.isfinite(value)
        takes = "a number"
    elif kind is int:
        fits, takes = type(value) is int and value >= 0, "a whole number of 0 or more"
    else:
        fits, takes = type(value) is kind, {bool: "true or false", str: "text"}[kind]
    check(fits, name, value, takes)


def plain(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe is not as usual, as a manifest tells it."""
    told = dataclasses.asdict(recipe)
    usual = {field.name: field.default for field in dataclasses.fields(Recipe)}
    return {name: value for name, value in told.items() if value != usual[name]}
