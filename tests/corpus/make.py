"""Writes the corpus's beginnings, of our own making: small files of every kind that bench/fuzzing reads.

    PYTHONPATH=. python -m tests.corpus.make

What a fuzzer found stays: names that begin with "found-" are not touched.
"""

from __future__ import annotations

import hashlib
import runpy
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from birdfast.journal import NAME, Journal
from tests import encoded, journals, networks

HERE = Path(__file__).parent
TARGETS = HERE.parents[1] / "bench/fuzzing/targets.py"
RATE_HZ, SECONDS = 8_000, 0.06
TINY_MODEL = HERE.parent / "native/tiny_model.py"
GUANO = "GUANO|Version: 1.0\nTimestamp: 2024-06-12T05:30:00+02:00\nModel: SM4\nLoc Position: 52.5 13.4\n"
AUDIOMOTH = "Recorded at 05:30:00 12/06/2024 (UTC+2) by AudioMoth 24F3190361DA5B1E while battery was 4.1V"
ANNOTATIONS = {
    "csv": "file,start,end,label\na.wav,0,3,Avis prima\na.wav,3.5,00:00:05.5,x;y\nb.wav,0,5,nocall\n",
    "row_id": "row_id,primary_label\na_5,amerob\na_10,amerob;norcar\n",
    "ones": "row_id,amerob,norcar\na_5,0,1\na_10,0.25,1\n",
    "raven": "Selection\tView\tBegin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n"
    "1\tSpectrogram 1\t0.5\t2\ta.wav\tx\n",
    "audacity": "0.5\t2.0\tAvis prima (0.9132)\n",
    "semicolons": "file;start;end;label\na.wav;0,5;3;x\n",
    "taxonomy": "primary_label,scientific_name,common_name\namerob,Turdus migratorius,American Robin\n",
    "sites": "site,latitude,longitude,start,end\nA1,52.5,13.4,2024-01-01,2024-06-01\n",
    "species": "Turdus merula\nParus major_Great Tit\n",
}
WINDOW = "rate_hz = 8000\nwindow_samples = 4000\n"
MANIFESTS = {
    "plain": WINDOW,
    "full": 'name = "n"\ntitle = "t"\nlicence = "CC"\nmodel = "net.tflite"\nlabels = "labels.txt"\n'
    'labels_format = "lines"\nrate_hz = 8000\nwindow_samples = 4000\nactivation = "sigmoid"\nn_classes = 2\n'
    'normalization = "hoplite"\npost = ["smooth:0.15", "top2"]\n',
    "spaces": WINDOW + 'labels = "labels.txt"\n[[label_spaces]]\nname = "more"\noutput = "o"\n'
    'labels = "labels.txt"\n',
    "picture": WINDOW + "[front_end]\nn_fft = 256\nhop_samples = 100\nn_mels = 20\n",
}
LABELS = {"lines": (0, "Avis prima_First Bird\nNoise\n"), "csv": (1, "index,name\n0,a\n1,b\n"),
          "json": (2, '{"id2label": {"0": "a", "1": "b"}}'), "pbtxt": (3, 'item { id: 1 name: "a" }\n'),
          "tsv": (4, "label\ta\n0\tb\n")}  # fmt: skip


def main() -> None:
    """Write what is not there, and what is no longer the same."""
    for target, name, data in [*sounds(), *texts(), *models(), *of_journals()]:
        folder = HERE / target
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    print(f"{sum(path.stat().st_size for path in HERE.rglob('*') if path.is_file()):,} bytes")


def sounds() -> Iterator[tuple[str, str, bytes]]:
    """Yield a file a container; those with packets are longer, and whole files are read, too."""
    short, longer = (encoded.sound(seconds, RATE_HZ) for seconds in (SECONDS, 0.3))
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "sound")
        for kind in ("wav", "aiff", "caf", "au", "w64", "rf64", "voc"):
            data = encoded.by_libsndfile(path.with_suffix(f".{kind}"), short, RATE_HZ)
            yield from (
                ("headers", kind, data),
                ("headers", f"{kind}-cut", data[:-77]),
                ("recordings", kind, data),
            )
        gsm = encoded.by_libsndfile(path.with_suffix(".gsm"), short, RATE_HZ, format="WAV", subtype="GSM610")
        yield from (("headers", "gsm", gsm), ("recordings", "gsm", gsm))
        for kind, how in (("flac", {}), ("ogg", {"subtype": "OPUS"}), ("mp3", {})):
            data = encoded.by_libsndfile(
                path.with_suffix(f".{kind}"), longer[: len(longer) // 2], RATE_HZ, **how
            )
            yield from (("packets", kind, data[:4096]), ("recordings", kind, data[:4096]))
        for kind, codec in (("tta", "tta"), ("wv", "wavpack"), ("m4a", "aac")):
            data = encoded.by_ffmpeg(path.with_suffix(f".{kind}"), codec, short, RATE_HZ, 16_000)
            yield from (
                ("packets", kind, data[:4096]),
                ("headers", kind, data[:4096]),
                ("recordings", kind, data),
            )
        wav = path.with_suffix(".wav").read_bytes()
        flac = path.with_suffix(".flac").read_bytes()
    listed = b"INFO" + chunk(b"ICMT", AUDIOMOTH.encode()) + chunk(b"IART", b"AudioMoth 24F3190361DA5B1E")
    bext = bytes(256) + b"SM4".ljust(64, b"\0") + b"2024-06-12" + b"05:30:00" + bytes(264)
    wamd = struct.pack("<HI", 1, 3) + b"SM3" + struct.pack("<HI", 5, 19) + b"2024-06-12 05:30:00"
    for name, more in (("guan", GUANO.encode()), ("LIST", listed), ("bext", bext), ("wamd", wamd)):
        yield "comments", name, wav[:12] + chunk(name.encode(), more) + wav[12:200]
    said = [
        b"lavf",
        *(f"{key}={value}".encode() for key, value in (("COMMENT", AUDIOMOTH), ("GUANO", GUANO))),
    ]
    counted = [len(one).to_bytes(4, "little") + one for one in said]
    block = counted[0] + (2).to_bytes(4, "little") + b"".join(counted[1:])
    yield "comments", "flac", flac[:4] + b"\x84" + len(block).to_bytes(3, "big") + block


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a RIFF chunk."""
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def texts() -> Iterator[tuple[str, str, bytes]]:
    """Yield tables, manifests and labels."""
    for target, told in (("annotations", ANNOTATIONS), ("manifests", MANIFESTS)):
        for name, text in told.items():
            yield target, name, text.encode()
    for name, (which, text) in LABELS.items():
        yield "labels", name, bytes([which]) + text.encode()


def models() -> Iterator[tuple[str, str, bytes]]:
    """Yield networks and models, which no generator of numbers decides."""
    targets = runpy.run_path(str(TARGETS))
    yield "tflite", "one", networks.tflite(np.linspace(-1, 1, 60, dtype=np.float32).reshape(3, 20))
    two = (
        np.linspace(-1, 1, size, dtype=np.float32).reshape(shape)
        for size, shape in ((40, (5, 8)), (15, (3, 5)))
    )
    yield "tflite", "two", networks.tflite(*two)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        targets["beside_a_training"](folder)
        networks.write_tokens(folder / "")
        digests = {
            name: hashlib.sha256((folder / f"{name}.npy").read_bytes()).hexdigest()
            for name in targets["ARRAYS"]
        }
        targets["beside_a_training"](folder)
        manifest = (folder / "model.toml").read_text().rpartition("\nmanifest_sha256")[0]
        for name, was in digests.items():
            manifest = manifest.replace(
                was, hashlib.sha256((folder / f"{name}.npy").read_bytes()).hexdigest()
            )
        yield "trainings", "stsg", manifest.encode()
        yield "vectors", "npy", (folder / "layer0_bias.npy").read_bytes()
        subprocess.run([sys.executable, TINY_MODEL, folder / "tiny.bft"], check=True)
        yield "bft", "tiny", (folder / "tiny.bft").read_bytes()
    head = f"""title = "t"
licence = ""
activation = "none"
classes = ["a", "b"]
kind = "head"
version = 2
on = "other"
on_sha256 = "{"0" * 64}"
background = "b"
thresholds = {{a = 0.5}}
[arrays]
"""
    yield "trainings", "head", head.encode()
    yield "vectors", "word2vec.txt", b"2 3\n0 0.5 1 -1\n1 0.25 0 1\n"
    yield "vectors", "word2vec.bin", b"1 2\n7 " + struct.pack("<2f", 0.5, 1.0) + b"\n"


def of_journals() -> Iterator[tuple[str, str, bytes]]:
    """Yield a journal of three files, and what it knows of its run."""
    with tempfile.TemporaryDirectory() as scratch:
        with Journal(Path(scratch), journals.FACTS) as journal:
            journal.plan(["a.wav", "b.wav"], range(2))
            journals.hear(journal, "a.wav", journals.outcome())
            journal.add("b.wav", journals.failed("b.wav"))
        path = Path(scratch, NAME)
        with closing(sqlite3.connect(path)) as database:  # smaller pages: a fuzzer's changes meet something
            database.executescript("PRAGMA page_size = 512; VACUUM")
        yield "journal", "small", path.read_bytes()
    for name, facts in (("one", journals.FACTS), ("two", journals.FACTS_OF_TWO)):
        yield "facts", name, "\n".join(facts.to_json()).encode()


if __name__ == "__main__":
    main()
