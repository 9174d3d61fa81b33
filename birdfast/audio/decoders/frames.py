"""What FFmpeg's decoders give: frames, whose samples are of many kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.audio.plane import AudioPlane

from ...arrays import Float32
from .decoder import Undecodable, with_channels

KINDS: dict[str, tuple[type[np.generic], float]] = {  # of samples: how they are kept, and what one step is
    "u8": (np.uint8, 2.0**-7),
    "s16": (np.int16, 2.0**-15),
    "s32": (np.int32, 2.0**-31),
    "s64": (np.int64, 2.0**-63),
    "flt": (np.float32, 1.0),
    "dbl": (np.float64, 1.0),
}


def samples(frame: Any, n_channels: int) -> Float32:
    """Return a frame's samples: float32 [n, n_channels] in -1..1 for integers."""
    kind, n, width = frame.format.name.removesuffix("p"), frame.samples, frame.layout.nb_channels
    if kind not in KINDS:
        raise Undecodable(f"its samples are of a kind that is not read: {frame.format.name}")
    dtype, scale = KINDS[kind]
    # Not `frame.planes`, which goes on to the first plane that is null: behind the last one may be anything.
    planes: list[Any] = [
        AudioPlane(frame, number) for number in range(width if frame.format.is_planar else 1)
    ]
    found = [np.frombuffer(plane, dtype) for plane in planes]
    if frame.format.is_planar:
        values = np.stack([plane[:n] for plane in found], axis=1)
    else:
        values = found[0][: n * width].reshape(n, width)
    if kind == "u8":
        values = values.astype(np.float32) - 128
    return with_channels(values.astype(np.float32) * np.float32(scale), n_channels)
