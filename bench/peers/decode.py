"""Files into memory by soundfile, by librosa and by PyAV: mono float32 at their own rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from birdfast_jobs import DecodeJob, needs

Call = Callable[[], Any]


def soundfile(job: DecodeJob) -> Call:
    """Return soundfile's own way."""
    library = needs("soundfile")
    return lambda: library.read(job.path, dtype="float32")


def librosa(job: DecodeJob) -> Call:
    """Return librosa's own way."""
    library = needs("librosa")
    return lambda: library.load(job.path, sr=None)


def pyav(job: DecodeJob) -> Call:
    """Return FFmpeg's way, through PyAV, frame by frame."""
    library = needs("av")

    def call() -> Any:
        with library.open(str(job.path)) as container:
            resampler = library.AudioResampler(format="flt", layout="mono")
            frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
            return np.concatenate([frame.to_ndarray()[0] for frame in frames])

    return call


PEERS = {"soundfile": soundfile, "librosa": librosa, "pyav": pyav}
