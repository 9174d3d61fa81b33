"""What a run is asked to do, as values that cannot change: checked once, handed to every worker."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from ..errors import ConfigError
from .checks import LARGEST, Checked, above_zero, check, choice, flag, number, path, real, several, whole
from .made import made

__all__ = [
    "AUTO",
    "LARGEST",
    "MIN_CONFIDENCE",
    "SHARED_BY",
    "By",
    "Checked",
    "Engine",
    "Kept",
    "KeptScores",
    "Options",
    "above_zero",
    "check",
    "choice",
    "flag",
    "hours",
    "made",
    "number",
    "path",
    "real",
    "several",
    "whole",
]

MIN_CONFIDENCE = 0.25
MAX_HOURS = 48.0  # of a recording: a file of a megabyte may decode to days of silence
LEAST_HOURS = 1 / 3600  # a second: what is shorter is no recording, but a slip of the pen
MOST_HOURS = 100_000  # eleven years
LONGEST_S = 86_400  # beyond any network's window; so numbers of samples stay numbers, too
MOST_HZ = 15_000.0  # the upper end of what BirdNET hears, where a band has none
CHANNEL = re.compile("mix|each|[1-9][0-9]{0,2}")

Tail = Literal["pad", "drop", "min-1s"]
Activation = Literal["sigmoid", "softmax", "none"]
# "bounded": no activation is seen, but all numbers can only lie between 0 and 1; "": not known.
GraphEnd = Literal["sigmoid", "softmax", "log-softmax", "bounded", "none", ""]
Normalization = Literal["none", "hoplite", "zoo"]
Dense = Literal["scores", "embeddings"]
By = Literal["hash", "bytes"]  # what shares of a run are as large by
SHARED_BY: tuple[By, ...] = get_args(By)
KeptScores = Literal["scores", "low", "best", "asked", ""]
Kept = Literal["scores", "embeddings", "low", "best", "asked"]
Resampler = Literal["steep", "soxr-hq", "birdnet"]
Runtime = Literal["auto", "litert", "onnxruntime", "openvino"]
Precision = Literal["f32", "bf16"]
KEEP = "keep"  # the option that is a run's to set


class Engine(NamedTuple):
    """What runs networks, and in which numbers; see `Options`."""

    runtime: Runtime = "auto"
    precision: Precision = "f32"


AUTO = Engine()


def hours(name: str, value: object) -> float:
    """Return how much of a recording is heard, in hours."""
    return number(name, value, LEAST_HOURS, MOST_HOURS, f"hours, from a second (1/3600) to {MOST_HOURS:,}")


@dataclass(frozen=True, kw_only=True)
class Options(Checked):
    """How recordings are cut into windows and which scores become detections.

    Parameters
    ----------
    min_confidence : float in [0, 1] or None
        Detections below it are dropped; equal to it they are kept. None takes the thresholds of a model that
        has some, a class's own for each, and `MIN_CONFIDENCE` (0.25) for all others.
    top_k : int >= 1 or None
        At most so many detections a window, the most confident first.
    sensitivity : float in [0.5, 1.5]
        BirdNET's shift of the logits before the sigmoid; 1 leaves them alone.
    overlap_s : float in [0, 86400] or None
        Seconds that neighbouring windows share; None is the model's own default.
    step_s : float in (0, 86400] or None
        Seconds from one window's start to the next: the other way to say the same.
    shifts_s : tuple of float
        Seconds by which further grids of windows begin later: they part the step evenly, as 0 and 2.5 do one
        of 5 s. Without any, or with 0 alone, there is one grid.
    tail : "pad", "drop" or "min-1s"
        What becomes of the end of a recording that fills no whole window (`windows.Grid`).
    normalization : "none", "hoplite", "zoo" or None
        Change of each window's level before the network; None is the model's own default.
    graft : bool
        Run networks, TFLite and ONNX ones, rewritten for speed, with our kernels as their front end, where
        that is proved to say the same; False runs the original graph.
    runtime : "auto", "litert", "onnxruntime" or "openvino"
        What runs networks; "auto" is LiteRT for TFLite ones and ONNX Runtime for ONNX ones. OpenVINO runs
        both, where it gives the scores that these give.
    precision : "f32" or "bf16"
        What a network computes in; "bf16" needs OpenVINO and a CPU that has it, and gives other scores.
    channel : "mix", "each", or a number from 1 as text
        What is heard of recordings with several channels: their average, each by itself, or one.
    resampler : "steep", "soxr-hq" or "birdnet"
        How sound at another rate than the model's gets there: "steep" keeps nearly all that both rates can
        hold; "soxr-hq" begins to fall off at 0.91 of it; "birdnet" transforms each window by itself, as
        birdnet 1.x does, for comparisons.
    fmin_hz, fmax_hz : float in [0, 15000]
        The band that is heard of each window, filtered as birdnet does; 0 and 15000 filter nothing.
    speed : float in [0.01, 100]
        How many times as fast recordings are heard: at 0.1 bats of 40 kHz are heard at 4 kHz. Windows, their
        overlap and the band are of what is heard; times are the recording's.
    max_hours : float, 1 second to 100000 hours
        How much of a recording is heard; a longer one has failed there, and what lies before is kept.
    keep : tuple of "scores", "embeddings", "low", "best", "asked"
        What a run keeps of every window: the scores of all classes, of the best and of all that reach the
        least confidence, of the best, or of those that are asked for; the embedding.

    Raises
    ------
    ConfigError
        A value out of its range; the message says the value and what fits.
    """

    min_confidence: float | None = None
    top_k: int | None = None
    sensitivity: float = 1.0
    overlap_s: float | None = None
    step_s: float | None = None
    shifts_s: tuple[float, ...] = ()
    tail: Tail = "pad"
    normalization: Normalization | None = None
    graft: bool = True
    runtime: Runtime = "auto"
    precision: Precision = "f32"
    channel: str = "mix"
    resampler: Resampler = "steep"
    fmin_hz: float = 0.0
    fmax_hz: float = MOST_HZ
    speed: float = 1.0
    max_hours: float = MAX_HOURS
    keep: tuple[Kept, ...] = ()

    def __post_init__(self) -> None:
        self._own("min_confidence", number, 0, 1)
        self._own("top_k", whole, 1)
        self._own("sensitivity", number, 0.5, 1.5)
        self._own("overlap_s", number, 0, LONGEST_S, f"0 to {LONGEST_S:,} seconds")
        self._own("step_s", above_zero, LONGEST_S, "seconds")
        if self.overlap_s is not None and self.step_s is not None:
            raise ConfigError("overlap and step say the same thing: give one of them")
        shifts = several("shifts_s", self.shifts_s, "a list of seconds")
        every = {number("shifts_s", shift, 0, LONGEST_S, f"0 to {LONGEST_S:,} seconds") for shift in shifts}
        object.__setattr__(self, "shifts_s", tuple(sorted(every)))
        self._own("graft", flag)
        choice("runtime", self.runtime, get_args(Runtime))
        choice("precision", self.precision, get_args(Precision))
        if self.precision != "f32" and self.runtime != "openvino":
            raise ConfigError(
                f"precision: {self.precision} goes with the runtime openvino alone; add --runtime openvino"
            )
        choice("tail", self.tail, get_args(Tail))
        choice("normalization", self.normalization, (None, *get_args(Normalization)))
        channel = str(self.channel)
        check(CHANNEL.fullmatch(channel) is not None, "channel", self.channel, "mix, each, 1 to 999")
        object.__setattr__(self, "channel", channel)
        self._own("max_hours", hours)
        self._own("fmin_hz", number, 0, MOST_HZ)
        self._own("fmax_hz", number, 0, MOST_HZ)
        check(self.fmin_hz < self.fmax_hz, "fmin_hz", self.fmin_hz, f"less than fmax_hz, {self.fmax_hz:g}")
        self._own("speed", number, 0.01, 100)
        choice("resampler", self.resampler, get_args(Resampler))
        known, kinds = get_args(Kept), self.keep
        fits = isinstance(kinds, tuple | list | set | frozenset) and all(kind in known for kind in kinds)
        check(fits, "keep", kinds, f"several of {', '.join(known)}")
        # In one order, each of its type, and as JSON gives it back: equal options are equal, as text too.
        object.__setattr__(self, "keep", tuple(kind for kind in known if kind in kinds))

    @property
    def engine(self) -> Engine:
        """What runs networks, and in which numbers."""
        return Engine(self.runtime, self.precision)

    @property
    def keeps(self) -> KeptScores:
        """Which scores of every window are kept: the most that are named."""
        named = (kind for kind in get_args(KeptScores) if kind in self.keep)
        return next(named, "")

    @property
    def rows(self) -> tuple[Dense, ...]:
        """The kinds of dense rows that are kept as such; those of scores are made of the scores."""
        return tuple(kind for kind in get_args(Dense) if kind in self.keep and kind != "scores")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Return options by the names that users choose them by: what is kept, their kinds of tables say.

        Raises
        ------
        ConfigError
            There is no option of a name, or its value does not fit.
        """
        names = [field.name for field in dataclasses.fields(cls) if field.name != KEEP]
        for name in values:
            if name not in names:
                raise ConfigError(f"{name}: no such option; there are {', '.join(names)}")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values, fit for JSON and for a table's metadata."""
        return dataclasses.asdict(self)
