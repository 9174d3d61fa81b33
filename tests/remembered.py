"""What small recordings of every container and rate come to, through every library that has a say in it.

`python -m tests.remembered FOLDER` prints it, with the kernels that BIRDFAST_CPU chooses, for recordings that
`record` has written into a folder.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from birdfast import _kernels, audio, models
from birdfast.__main__ import main as birdfast
from birdfast.audio.filterdesign import fits
from birdfast.config import Options
from birdfast.errors import RecordingWarning
from birdfast.pipeline import Pipeline

from . import encoded, graphs, networks, onnxfrontends, onnxnetworks
from .commands import ran
from .recordings import write

SECONDS = 1.1
RATES_HZ = [8_000, 16_000, 24_000, 32_000, 48_000, 96_000, 192_000, 250_000, 256_000, 384_000]
RATES_HZ += [11_025, 22_050, 44_100]
CONTAINERS = ["flac", "aiff", "w64", "caf", "au", "rf64", "voc"]
SUBTYPES = ["PCM_U8", "PCM_24", "ULAW", "ALAW"]
BY_FFMPEG = {
    **{"mka": "pcm_s16le", "tta": "tta", "wv": "wavpack", "mov": "alac", "oga": "flac", "avi": "pcm_s16le"},
    **{"m4a": "aac", "wma": "wmav2", "mp2": "mp2", "opus": "libopus"},
}
LOSSY = {".m4a", ".wma", ".mp2", ".opus", ".ogg", ".mp3"}
TABLES = ("csv", "raven", "audacity", "kaleidoscope", "r", "birdnet", "ndjson")
WANTED_HZ = 32_000
N_PARTS = 8  # of a sketch
OURS = "birdfast"
# By how much numbers may differ that a library's floats decide: summed in another order by another CPU; coded
# by another version; and scores of either.
RESAMPLED, CODED, SCORED, SCORED_OF_CODED = 1e-5, 2e-3, 2e-4, 5e-2


class Row(NamedTuple):
    """What is remembered of a recording; `by` decides it, a library with its version or birdfast itself."""

    recording: str
    what: str
    by: str
    tolerance: float
    value: str

    def is_like(self, other: Row) -> bool:
        """Whether another has the same value, within the tolerance."""
        if not self.tolerance:
            return self.value == other.value
        mine, theirs = (np.array(row.value.split(), float) for row in (self, other))
        return mine.shape == theirs.shape and bool((np.abs(mine - theirs) <= self.tolerance).all())


def sound(rate_hz: int) -> np.ndarray:
    """Return a triangle that rises, with noise in every third quarter of a second: float32 of 16 bits.

    Of whole numbers alone: no CPU, library or generator of numbers has a say in it.
    """
    n = np.arange(round(SECONDS * rate_hz), dtype=np.int64)
    phase = (n * (400 * rate_hz + 900 * n) * 65_536 // rate_hz**2) & 0xFFFF
    noise = np.frombuffer(hashlib.shake_128(b"%d" % rate_hz).digest(2 * len(n)), "<i2").astype(np.int64)
    both = (np.abs(phase - 0x8000) - 0x4000) // 2 + noise // 8 * (n * 4 // rate_hz % 3 == 2)
    return (both / 32_768).astype(np.float32)


def record(folder: Path) -> None:
    """Write the recordings."""
    long = sound(48_000)
    for rate_hz in RATES_HZ:
        write(folder / f"wav-{rate_hz}.wav", sound(rate_hz)[:, None], rate_hz)
    for subtype in SUBTYPES:
        write(folder / f"wav-{subtype}.wav", long[:, None], 48_000, subtype=subtype)
    write(folder / "wav-stereo.wav", encoded.with_channels(long, 2), 48_000)
    for kind in CONTAINERS:
        write(folder / f"{kind}-48000.{kind}", long[:, None], 48_000)
    write(folder / "flac-22050.flac", sound(22_050)[:, None], 22_050)
    write(folder / "flac-PCM_24.flac", sound(96_000)[:, None], 96_000, subtype="PCM_24")
    for kind, rate_hz in (("ogg", 44_100), ("mp3", 44_100), ("mp3", 16_000)):
        write(folder / f"{kind}-{rate_hz}.{kind}", sound(rate_hz)[:, None], rate_hz)
    for kind, codec in BY_FFMPEG.items():
        encoded.by_ffmpeg(folder / f"{kind}-48000.{kind}", codec, long)


def rows(folder: Path, scratch: Path) -> Iterator[Row]:
    """Yield what the recordings in a folder come to."""
    paths = sorted(folder.iterdir())
    asked = [*listeners(scratch)]
    for path in paths:
        yield from of_sound(path)
        _, rate_hz = audio.read(path)
        for what, whose, pipeline in asked:
            with warnings.catch_warnings():  # that a format tells no length
                warnings.simplefilter("ignore", RecordingWarning)
                scores = np.concatenate([scored.outputs["logits"] for scored in pipeline.score(path)])
            tolerance = SCORED_OF_CODED if path.suffix in LOSSY else SCORED
            if whose != OURS:
                yield Row(path.stem, what, whose, tolerance, told(scores.mean(axis=0)))
            elif path.suffix not in LOSSY and fits(rate_hz, pipeline.listener().grid.rate_hz):
                yield Row(path.stem, what, whose, 0, crc(scores))
    yield from of_tables([path for path in paths if path.suffix not in LOSSY], scratch)


def of_sound(path: Path) -> Iterator[Row]:
    """Yield what a recording is heard as, at its own rate and at another."""
    samples, rate_hz = audio.read(path)
    if path.suffix in LOSSY:
        yield Row(path.stem, "samples", decoder(path), 0, f"{len(samples)} at {rate_hz}")
        yield Row(path.stem, "sound", decoder(path), CODED, sketch(samples))
        return
    yield Row(path.stem, "sound", OURS, 0, f"{len(samples)} at {rate_hz}: {crc(samples)}")
    by_soxr = audio.resample(samples, rate_hz, WANTED_HZ, "soxr-hq")
    yield Row(path.stem, "soxr-hq", version("soxr"), RESAMPLED, sketch(by_soxr))
    if fits(rate_hz, WANTED_HZ):
        yield Row(path.stem, "steep", OURS, 0, crc(audio.resample(samples, rate_hz, WANTED_HZ)))


def listeners(scratch: Path) -> Iterator[tuple[str, str, Pipeline]]:
    """Yield models, with what decides their scores: of tokens, and networks in each runtime."""
    options = Options(min_confidence=0)
    of_tokens, of_tflite = scratch / "tokens", scratch / "drawing"
    of_tokens.mkdir()
    yield "tokens", OURS, Pipeline(models.find(networks.write_tokens(of_tokens)), options)
    of_tflite.mkdir()
    (of_tflite / "drawing.tflite").write_bytes(graphs.network(graphs.Kind()))
    (of_tflite / "labels.txt").write_text("".join(f"{letter}\n" for letter in "abcdefg"))
    (of_tflite / "model.toml").write_text("rate_hz = 8000\nwindow_samples = 4000\n")
    for what, graft in (("tflite", True), ("tflite as it is", False)):
        yield what, version("ai-edge-litert"), Pipeline(models.find(of_tflite), replace(options, graft=graft))
    front_end = models.find(onnxnetworks.write_folder(scratch / "front end", onnxfrontends.network()))
    yield "onnx front end", version("onnxruntime"), Pipeline(front_end, options)
    if os.environ.get("BIRDFAST_CPU") != _kernels.cpu_tables()[-1]:
        return  # none of our kernels is in what follows: once will do
    of_onnx = models.find(onnxnetworks.write_folder(scratch / "onnx", onnxnetworks.network()))
    yield "onnx", version("onnxruntime"), Pipeline(of_onnx, options)
    yield "openvino", version("openvino"), Pipeline(of_onnx, replace(options, runtime="openvino"))


def of_tables(paths: Sequence[Path], scratch: Path) -> Iterator[Row]:
    """Yield the tables of a run over recordings; those that say nothing else."""
    out = scratch / "out"
    how = [
        "--model",
        scratch / "tokens",
        "--workers",
        "1",
        "--min-conf",
        "0.3",
        "--quiet",
        "--rtype",
        *TABLES,
    ]
    with contextlib.chdir(paths[0].parent), contextlib.redirect_stdout(io.StringIO()):
        code = birdfast(["infer", *map(str, [*(path.name for path in paths), "-o", out, *how])])
    assert code == 0, code
    for path in sorted(path for path in out.iterdir() if not path.name.startswith("journal")):
        yield Row(
            "all", path.name, OURS, 0, f"{path.stat().st_size} bytes: {zlib.crc32(path.read_bytes()):08x}"
        )


def decoder(path: Path) -> str:
    """Return which library reads a lossy recording, with its version."""
    is_libsndfiles = path.suffix in (".ogg", ".mp3")
    return f"libsndfile {soundfile.__libsndfile_version__}" if is_libsndfiles else version("av")


def version(package: str) -> str:
    """Return a package with its version."""
    return f"{package} {metadata.version(package)}"


def crc(array: np.ndarray) -> str:
    """Return the CRC-32 of an array's numbers."""
    return f"{zlib.crc32(np.ascontiguousarray(array, '<f4').tobytes()):08x}"


def sketch(samples: np.ndarray) -> str:
    """Return how loud each part of a sound is, and whether rather at its begin or its end."""
    parts = [part.astype(float) ** 2 for part in np.array_split(samples, N_PARTS)]
    loud = [np.sqrt(np.mean(part)) for part in parts]
    late = [np.mean(part * np.linspace(-1, 1, len(part))) for part in parts]
    return told([*loud, *late])


def told(numbers: Iterable[float]) -> str:
    """Return numbers as text."""
    return " ".join(f"{number:.6f}" for number in numbers)


def read(lines: Iterable[str]) -> list[Row]:
    """Return the rows in lines of a CSV."""
    return [Row(*row[:3], float(row[3]), row[4]) for row in csv.reader(lines)]


def anew(folder: Path, cpu: str) -> list[Row]:
    """Return what the recordings in a folder come to, in a process with one table of kernels."""
    how = {"env": {**os.environ, "BIRDFAST_CPU": cpu}, "cwd": Path(__file__).parents[1]}
    done = ran(sys.executable, "-m", "tests.remembered", folder, **how)
    assert done.returncode == 0, done.stderr
    return read(done.stdout.splitlines())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        csv.writer(sys.stdout).writerows(rows(Path(sys.argv[1]).resolve(), Path(scratch)))
