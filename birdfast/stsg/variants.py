"""Variants of a window's bands: as another individual, faster or slower, nearer or farther, would sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _kernels, config
from ..arrays import Float32
from ..config import number, whole
from ..errors import ConfigError
from .tokenizer import TokenFrontEnd

MOST_MELS, MOST_STRETCH, MOST_DB = 64, 4.0, 120.0


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is done to bands; a table of the recipe's list `variants`.

    Parameters
    ----------
    shift_mels : int
        How many bands all moves up, below 0 down; the lowest or the highest band fills the gap.
    stretch : float, 0.25 to 4
        How many times as long the sound becomes, its pitch unchanged: frames are interpolated.
    gain_db : float
        How much louder it becomes.

    Raises
    ------
    ConfigError
        A value out of its range, or nothing that is done.
    """

    shift_mels: int = 0
    stretch: float = 1.0
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        whole("shift_mels", self.shift_mels, -MOST_MELS, MOST_MELS)
        number("stretch", self.stretch, 1 / MOST_STRETCH, MOST_STRETCH)
        number("gain_db", self.gain_db, -MOST_DB, MOST_DB)
        if (self.shift_mels, self.stretch, self.gain_db) == (0, 1, 0):
            raise ConfigError("none of shift_mels, stretch and gain_db is given: it would be no variant")

    @property
    def gain(self) -> float:
        """How many times the power it has."""
        return float(10 ** (self.gain_db / 10))

    def of(self, bands: Float32, front_end: TokenFrontEnd) -> Float32:
        """Return the variant of bands [n_frames, n_mels]: float32 [about stretch n_frames, n_mels].

        A shift fills its gap with the lowest or the highest band; a stretch lies between neighbours.
        """
        bands = np.ascontiguousarray(bands)
        made = np.empty((round(len(bands) * self.stretch), bands.shape[1]), np.float32)
        _kernels.vary(self, bands, made, log=front_end.log, offset=front_end.offset)
        return made


def variants(tables: Sequence[Any], front_end: TokenFrontEnd) -> tuple[Variant, ...]:
    """Return the variants that a recipe's or a manifest's list tells.

    Raises
    ------
    ConfigError
        A table does not fit, or the front end has no mel bands to vary; the message names it.
    """
    if not isinstance(tables, list | tuple):
        raise ConfigError(f"variants: a list of tables is wanted, not {tables!r}")
    if tables and front_end.n_mfcc:
        raise ConfigError("variants: they are of mel bands; frontend.n_mfcc must be 0")
    return tuple(config.made(Variant, f"variants[{i}]", table) for i, table in enumerate(tables))


def powers(bands: Float32, front_end: TokenFrontEnd) -> Float32:
    """Return the power of mel bands: float32, 0 or more."""
    if not front_end.log:
        return bands
    power = np.empty(bands.shape, np.float32)
    _kernels.exp(np.ascontiguousarray(bands).reshape(-1), power.reshape(-1))
    found: Float32 = np.maximum(power - np.float32(front_end.offset), 0)
    return found


def bands_of(power: Float32, front_end: TokenFrontEnd) -> Float32:
    """Return the mel bands of a power, as the front end has them; the other side of `powers`."""
    if not front_end.log:
        return power
    floor = np.float32(max(front_end.offset, float(np.finfo(np.float32).tiny)))
    found: Float32 = np.maximum(power + np.float32(front_end.offset), floor)
    _kernels.log(found.reshape(-1), found.reshape(-1))
    return found
