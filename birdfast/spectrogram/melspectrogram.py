"""Weighted sums of short-time spectra, from tables: what log-mels and networks' front ends are made of."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..arrays import Float32
from ..config import check, flag, number
from ..config.checks import floats
from ..errors import ConfigError
from . import plans
from .frames import Framing
from .shorttime import ShortTime

Part = Literal["power", "magnitude", "real"]


@dataclass(frozen=True)
class Log:
    """Natural logarithm of ``max(value + offset, floor)``."""

    offset: float = 0.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        number("offset", self.offset)
        number("floor", self.floor)


class MelSpectrogram(ShortTime[np.float32]):
    """Weighted sums of a short-time spectrum, from tables: float32 [frames, n_values].

    A frame's spectrum becomes its real part, magnitude or power; bands are weighted sums of that; then comes
    `post`, then ``* scale + shift``, then the product with `matrix`. `LogMel` and `Mfcc` make such tables.

    Parameters
    ----------
    window : float [window_samples]
        What each frame is multiplied with; zeros follow up to `n_fft`.
    n_fft : int
        Length of the transform, samples: a product of 2, 3 and 5.
    hop_samples : int
        From frame to frame.
    mel : float [n_mels, n_fft // 2 + 1]
        Weights of the bins in each band; the narrower the bands, the faster.
    part : "real", "magnitude" or "power"
        What is kept of the spectrum.
    post : Log or None
    scale, shift : float
        Of the values that `post` gives.
    matrix : float [n_values, n_mels] or None
        Multiplied with each row at last (a DCT, a PCA); None leaves the bands.
    framing : Framing or None
        For other frames than those at multiples of `hop_samples` that lie within the recording, such as
        padded ones.
    subtract_mean : bool
        Take each frame's mean from it before the window (scipy: ``detrend="constant"``); only without
        padding.
    cpu : str or None
        The table of kernels to run on; None is the best one.

    Raises
    ------
    ConfigError
        Tables that do not fit each other.
    """

    _dtype = np.float32

    def __init__(
        self,
        window: npt.ArrayLike,
        n_fft: int,
        hop_samples: int,
        mel: npt.ArrayLike,
        *,
        part: Part = "power",
        post: Log | None = None,
        scale: float = 1.0,
        shift: float = 0.0,
        matrix: npt.ArrayLike | None = None,
        framing: Framing | None = None,
        subtract_mean: bool = False,
        cpu: str | None = None,
    ) -> None:
        if not (isinstance(part, str) and part in ("power", "magnitude", "real")):
            raise ConfigError(f'part={part!r}: must be "power", "magnitude" or "real"')
        flag("subtract_mean", subtract_mean)
        plans.check_length(n_fft)
        window = table("window", window, (None,))
        framing = Framing(window.size, hop_samples, window.size) if framing is None else framing
        check(isinstance(framing, Framing), "framing", framing, "a Framing")
        if (framing.window_samples, framing.hop_samples) != (window.size, hop_samples):
            raise ConfigError(f"{framing}: must have window_samples={window.size}, hop_samples={hop_samples}")
        if subtract_mean and framing.pad_samples:
            raise ConfigError("subtract_mean=True: frames without padding only (center=False)")
        weights = table("mel", mel, (None, n_fft // 2 + 1))
        plan = _kernels.FramePlan(
            plans.frame_transform(n_fft, window, part),
            hop_samples,
            bands=weights,
            subtract_mean=subtract_mean,
            matrix=None if matrix is None else table("matrix", matrix, (None, len(weights))),
            scale=number("scale", scale),
            shift=number("shift", shift),
            cpu=cpu,
            **_post_options(post),
        )
        super().__init__(framing, plan)


def table(name: str, values: npt.ArrayLike, shape: tuple[int | None, ...]) -> Float32:
    """Return values as a kernel reads them; ConfigError when their shape (None: any length) is another."""
    made: Float32 = floats(name, values)
    fits = made.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, made.shape, strict=True))
    if not fits or not made.size:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ConfigError(f"{name} has the shape {list(made.shape)}: must be [{wanted}]")
    return made


def _post_options(post: Log | None) -> dict[str, Any]:
    if post is None:
        return {}
    if isinstance(post, Log):
        return {"post": "log", "offset": post.offset, "floor": post.floor}
    raise ConfigError(f"post={post!r}: must be a Log or None")
