"""The compiled kernels. Arrays are float32 and may be anything with the buffer protocol."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from birdfast.audio.filterdesign import Folds
from birdfast.classifier import Layer
from birdfast.spectrogram.plans import FrameTransform
from birdfast.stsg.compiled import Sound, Stream
from birdfast.stsg.pooling import Pooling
from birdfast.stsg.variants import Variant

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Post = Literal["none", "log", "pow"]
Pad = Literal["none", "zero", "reflect", "edge"]

BLOCK: int  # centroids in a block, and blocks in a group of a tree
BLOCKS_MULTIPLE: int  # the number of blocks is one of this
MAX_NEAREST: int
MAX_VALUES: int  # of a centroid
INT16_STEPS: int  # of a vector's length
INT8_STEPS: int  # of its largest value
SEARCHES: dict[str, int]
WINDOWS: dict[str, int]

def cpu_tables() -> tuple[str, ...]:
    """Return the names of the tables of kernels that this CPU can run, slowest first."""

def cpu_table() -> str:
    """Return the table in use: the one that BIRDFAST_CPU names, or the fastest.

    ConfigError when BIRDFAST_CPU names none that runs here.
    """

def window_values(kind: str, out: F64) -> None:
    """Fill out [samples] with a periodic window, of a name in WINDOWS."""

def dct_rows(out: F64) -> None:
    """Fill out [rows, columns] with the first rows of the orthonormal DCT-II."""

def mel_from_hz(hz: float, scale: str) -> float: ...
def mel_to_hz(mel: float, scale: str) -> float: ...
def mel_filters(
    rate_hz: float, n_fft: int, fmin_hz: float, fmax_hz: float, scale: str, normalize: bool, out: F64
) -> None:
    """Fill out [bands, n_fft // 2 + 1] with triangles that are evenly spaced in mel."""

class ShortTimePlan:
    """A short-time transform and what is made of every frame of it, ready to run: made by its subclasses."""

    @property
    def n_values(self) -> int:
        """Values of a frame: the length of a row of the output."""
    @property
    def cpu(self) -> str:
        """The table of kernels that this plan runs on."""
    @property
    def scratch_bytes(self) -> int: ...
    def frames(self, samples: int) -> int:
        """Return the number of frames in so many samples, where the plan says how they lie."""
    def start(self, frame: int) -> int:
        """Return the sample at which a frame's window starts."""
    def empty_bands(self) -> list[int]:
        """Return the bands that no bin has a weight in."""
    def tables(self) -> dict[str, Any]:
        """Return a copy of what the kernels work from, by bf_spectrogram's names: for those who compare."""
    def run(self, audio: F32, out: F32, *, start: int = 0, pad: Pad = "none") -> None:
        """Fill out [frames, n_values], any strides, from audio [samples], contiguous.

        Frame f covers the samples from start + f * hop_samples on; with pad "none" every frame
        must lie inside the audio. Runs without the GIL; allocates nothing, unless another thread is
        in the same plan.
        """

class FramePlan(ShortTimePlan):
    """A plan of any window and bands.

    A frame's values are, in this order: its bins (`transform.part`; complex ones count as two
    floats); the sums of `bands` [bands, n_fft // 2 + 1] over them, plus `bias` [bands];
    post(value) * scale + shift; the product with `matrix` [rows, values so far].

    post "log" is the natural logarithm of max(v + offset, floor); "pow" is v ** exponent, or
    (v * v) ** exponent with `square`. Decibels are "log" with scale 10 / log(10). `subtract_mean`
    takes each frame's mean from it first; such a plan runs without padding.
    """

    def __init__(
        self,
        transform: FrameTransform,
        hop_samples: int,
        *,
        bands: F32 | None = None,
        bias: F32 | None = None,
        post: Post = "none",
        square: bool = False,
        offset: float = 0.0,
        floor: float = ...,
        exponent: float = 1.0,
        scale: float = 1.0,
        shift: float = 0.0,
        matrix: F32 | None = None,
        subtract_mean: bool = False,
        cpu: str | None = None,
    ) -> None: ...

class LogMelPlan(ShortTimePlan):
    """A log-mel spectrogram or MFCCs, in librosa's words: bf_logmel_options has the meaning of each.

    `window` is a name or float64 [window_samples or n_fft], `level` "natural", "db" or None.
    """

    def __init__(
        self,
        rate_hz: float,
        n_fft: int,
        hop_samples: int,
        n_mels: int,
        window: str | F64,
        window_samples: int = 0,
        *,
        fmin_hz: float = 0.0,
        fmax_hz: float = 0.0,
        power: int = 2,
        mel_scale: str = "slaney",
        mel_normalize: bool = True,
        level: str | None = "natural",
        offset: float = 0.0,
        amin: float = 0.0,
        ref: float = 1.0,
        n_mfcc: int = 0,
        matrix: F32 | None = None,
        center: bool = False,
        pad: Pad = "zero",
        opensoundscape: bool = False,
        cpu: str | None = None,
    ) -> None: ...

class CentroidSearch:
    """Centroids [n, n_values], ready to be searched.

    search "all", "float", "int16", "int8" or "tree", None for the best; fused=False keeps AVX-512
    from using VNNI. Neither changes what is found.
    """

    def __init__(
        self, centroids: F32, *, search: str | None = None, cpu: str | None = None, fused: bool = True
    ) -> None: ...
    @property
    def cpu(self) -> str:
        """The table of kernels that this search runs on."""
    @property
    def search(self) -> str:
        """How it searches: filters give way to "all" where squared lengths would overflow."""
    def tables(self) -> dict[str, Any]:
        """Return a copy of what the kernels work from, by bf_codebook's names: for those who compare."""
    def run(self, frames: F32, ids: I32, distances: F32 | None = None) -> None:
        """Fill ids [frames, n], n 1 to 8, and distances alike, with the n nearest of frames.

        Runs without the GIL; allocates nothing, unless another thread is in the same search.
        """

class BlockResampler:
    """Sound at another rate, block by block, ready to run: made by `birdfast.audio.steepfilter`.

    Block b is made of the `n_in` samples from b * step_in on. A transform of len(rows) points takes them
    from the bins `rows` of one of n_in points (Hartley's both), times `weights`, to which `folds` were
    added; of its results, the `step_out` samples from `first_out` on are the block's.
    """

    def __init__(
        self,
        n_in: int,
        rows: I32,
        weights: F32,
        *,
        folds: Folds | None = None,
        step_in: int,
        first_out: int,
        step_out: int,
        cpu: str | None = None,
    ) -> None: ...
    @property
    def cpu(self) -> str:
        """The table of kernels that this runs on."""
    def tables(self) -> dict[str, Any]:
        """Return a copy of the transforms' tables, "forward" and "backward": for those who compare."""
    def run(self, x: F32, out: F32) -> None:
        """Fill out [blocks, step_out] from x [(blocks - 1) * step_in + n_in, or more].

        Runs without the GIL; allocates nothing, unless another thread is in the same plan.
        """

def normalize(x: F32, out: F32, *, cpu: str | None = None) -> None:
    """Normalize as BirdNET does: out = ((x - min) / (max(x - min) + 1e-6) - 0.5) * 2; out may be x."""

def medians(x: F32, out: F32, *, cpu: str | None = None) -> None:
    """Find the median of every column of x [n, columns], the lower one of two: out [columns]."""

def statistics(x: F32, out: F32, *, cpu: str | None = None) -> None:
    """Fill out [3, columns of x] with mean, standard deviation, and that of what changes from row to row."""

def project(x: F32, matrix: F32, out: F32, *, floor: float = ..., cpu: str | None = None) -> None:
    """Fill rows of out [rows, n_out] with matrix [n_out, n_in] times max(row of x [rows, n_in], floor)."""

def log(x: F32, out: F32, *, cpu: str | None = None) -> None:
    """Take the natural logarithm, within 1 ulp; log(0) = -inf, log(x < 0) = NaN; out may be x."""

def pow(x: F32, exponent: float, out: F32, *, cpu: str | None = None) -> None:
    """Raise to x ** exponent, below 2 ulp for |exponent| <= 1; NaN for x < 0 and for NaN; out may be x."""

class Stsg:
    """An STSG model, or as much of one as is trained: `bf_stsg` of csrc/birdfast.h.

    Arguments are those of `bf_stsg_parts`; `sound` and `streams` have the attributes of
    `stsg.compiled.Sound` and `Stream`, `pooling` of `stsg.pooling.Pooling`, `layers` of
    `classifier.Layer`, `variants` of `stsg.variants.Variant`. A model of layers alone takes
    embeddings as they are.
    """

    n_classes: int
    n_embedding: int
    n_tokens: int  # of all streams
    n_bands: int
    window_samples: int
    rate_hz: int

    def __init__(
        self,
        *,
        pooling: Pooling | None = None,
        n_bands: int = 1,
        log: bool = False,
        offset: float = 0.0,
        sound: Sound | None = None,
        streams: Sequence[Stream] = (),
        variants: Sequence[Variant] = (),
        layers: Sequence[Layer] = (),
        statistics_mean: F32 | None = None,
        statistics_deviation: F32 | None = None,
        cpu: str | None = None,
    ) -> None: ...
    @property
    def cpu(self) -> str: ...
    @staticmethod
    def read(file: bytes, *, cpu: str | None = None) -> Stsg:
        """Return the model of a .bft file; ConfigError where it is damaged or of a later version."""
    @property
    def classes(self) -> tuple[str, ...]:
        """The names that a file gives."""
    @property
    def thresholds(self) -> tuple[float, ...]:
        """Those that a file gives; none."""
    def scratch(self) -> bytearray:
        """Return what `score` works in: one a thread."""
    def score(self, windows: F32, logits: F32, embedding: F32, scratch: bytearray) -> None:
        """Fill logits [n, n_classes] and embedding [n, n_embedding] from windows [n, window_samples]."""
    def describe(self, bands: F32, votes: F32, statistics: F32) -> None:
        """Fill votes [n_tokens] and statistics [3 n_bands] from a window's bands [n_frames, n_bands]."""
    def pool(self, votes: F32, statistics: F32, embedding: F32) -> None:
        """Fill embedding [n, n_embedding] from votes [n, n_tokens] and statistics [n, 3 n_bands]."""
    def logits(self, embedding: F32, logits: F32) -> None:
        """Fill logits [n, n_classes] from embedding [n, n_embedding]."""

class StsgStream:
    """Sound as it comes through a model, windows every so many samples: `bf_stream`."""

    def __init__(self, of: Stsg, step_samples: int) -> None: ...
    def restart(self) -> None: ...
    def push(self, samples: F32 | NDArray[np.int16]) -> tuple[tuple[int, bytes, bytes], ...]:
        """Take in samples [n]; return start, logits and embedding of each window that they complete."""

def vary(variant: Variant, bands: F32, out: F32, *, log: bool, offset: float, cpu: str | None = None) -> None:
    """Fill out [frames of the variant, n_bands] from bands [n_frames, n_bands]."""

def unit_rows(x: F32, *, cpu: str | None = None) -> None:
    """Scale the rows of x [n, n_values] to length 1, in place; squares are added up in order."""

def exp(x: F32, out: F32, *, cpu: str | None = None) -> None:
    """out = exp(x), [n]; in place is allowed."""
