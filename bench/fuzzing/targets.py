"""What is fuzzed: readers of what strangers wrote, each with the errors that it may say.

A target gets a file in a folder of its own. Whatever it holds, only birdfast's errors come out of it, in
bounded time and memory: tests/test_corpus.py replays tests/corpus, `make fuzz` looks further.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from birdfast import _kernels, annotations, audio, keyedvectors, labels, modelfolder, models
from birdfast.audio import comments, flacstream, headers, joined, mpegstream, ogg, wavpack
from birdfast.audio.pieces import Pieces
from birdfast.deployments import content, sites
from birdfast.errors import AudioError, BirdfastError, ConfigError, ModelError
from birdfast.grafting import flatbuffer, original
from birdfast.journal import NAME, Facts, Record
from birdfast.models import manifest, own
from birdfast.sessions import open_session
from birdfast.sources import npy
from birdfast.species import lists
from birdfast.stsg import portable

MOST_HEARD = 1 << 14  # samples of a window that a model is asked for
MOST_REPAIR = 1 << 16  # bytes that a repaired file may have more than the file itself
NETWORK = bytes(4) + b"TFL3" + bytes(8)
ARRAYS = {"centroids": (40, 16), "embeddings": (40, 6), "layer0_weight": (3, 54), "layer0_bias": (3,)}


class Target(NamedTuple):
    """A reader.

    Attributes
    ----------
    read : callable
        What is done with the file's path; it raises nothing but `faults`.
    faults : tuple of types
    file : str
        What the file is called.
    prepare : callable
        Puts what else has to be there into the folder.
    words : tuple of str
        Which the fuzzer puts in, as it would take long to come upon them.
    most_bytes : int
        Of an input: what needs more costs more than it finds.
    """

    read: Callable[[Path], object]
    faults: tuple[type[BaseException], ...] = ()
    file: str = "input"
    prepare: Callable[[Path], object] = lambda folder: None
    words: tuple[str, ...] = ()
    most_bytes: int = 4096

    def attempt(self, folder: Path, data: bytes) -> None:
        """Read one input; `folder` is the target's own, and prepared."""
        path = folder / self.file
        path.write_bytes(data)
        with warnings.catch_warnings(), suppress(*self.faults):
            warnings.simplefilter("ignore")
            self.read(path)


def header(path: Path) -> None:
    """Judge a header; what puts the file right is about as long as the file."""
    found = headers.read(path)
    headers.is_container(path)
    if found.repair:
        most = path.stat().st_size + MOST_REPAIR
        with closing(io.BufferedReader(Pieces(path, found.repair))) as file:
            assert len(file.read(most + 1)) <= most


def packets(path: Path) -> None:
    """Find frames, pages and blocks."""
    for scan in (flacstream.scan, mpegstream.scan):
        found = scan(path)
        for group in found.groups(0) if found else ():
            assert group is not None
    ogg.links(path)
    joined.links(path)
    wavpack.pieces(path)


def told(path: Path) -> None:
    """Read what a recorder left; it goes through the journal as text and comes back."""
    found = content.of(comments.read(path))
    assert content.Content.of_json(found.to_json()) == found


def tflite(path: Path) -> None:
    """Read and check a network; what is handed to the runtime is one that can be read."""
    flatbuffer.read(original.read(path).write())


def journal(path: Path) -> None:
    """Ask a journal all that a run, its page and its tables ask."""
    with Record(path.parent) as record:
        record.is_planned()
        record.standing()
        record.standings()
        record.n_left_out()
        list(record.recordings())
        for number, about in enumerate(record.facts().about.models):
            record.keepings(number)
            for _, entry in record.entries():
                entry.remarks()
                for names in about.label_spaces[:1]:
                    list(record.kept(entry, len(names.scientific), number))
                for kind, width in about.widths.items():
                    list(record.dense(entry, kind, width, number))


def facts(path: Path) -> None:
    """Read what a journal says of its run, of one whose digest was mended; `Database.told` words the rest."""
    text, _, asked = path.read_bytes().decode("utf-8", "replace").partition("\n")
    json.dumps([*Facts.of(text, asked).differences(Facts.of(text, "{}"), shards=True, asked=True)])


def folder(path: Path) -> None:
    """Find the model in a folder, by its manifest."""
    own.in_folder(path.parent).class_names()


def trained(path: Path) -> None:
    """Open a model that was trained, whose seal was mended."""
    body = path.read_bytes()
    seal = hashlib.sha256(body).hexdigest().encode()
    path.write_bytes(body + modelfolder.SEAL + seal + b'"\n')
    found = models.find(path.parent)
    if found.kind == "stsg":
        open_session(found)


def labelled(path: Path) -> None:
    """Read labels of any kind: the first byte says which."""
    data = path.read_bytes()
    suffix = (".txt", ".csv", ".json", ".pbtxt", ".tsv")[(data[:1] or b"\0")[0] % 5]
    named = path.with_suffix(suffix)
    named.write_bytes(data[1:])
    labels.load(named, labels.format_of(named))


def annotated(path: Path) -> None:
    """Read truth, a map of classes, and the tables of sites and of species."""
    for read in (annotations.read, annotations.class_map, sites.Sites, lists.read):
        with suppress(BirdfastError):
            read(path)


def bft(path: Path) -> None:
    """Load a model's file, whose checksum was mended, and let the model hear a window."""
    data = path.read_bytes()
    checksum = zlib.crc32(data[portable.CHECKED_FROM :], zlib.crc32(data[8:16])).to_bytes(4, "little")
    model = _kernels.Stsg.read(data[:16] + checksum + data[20:])
    sound = np.zeros(min(model.window_samples, MOST_HEARD), np.float32)
    heard = _kernels.StsgStream(model, max(1, len(sound) // 2)).push(sound)
    for size in (model.n_classes, model.n_embedding, model.n_tokens, model.n_bands, len(heard)):
        for _ in range(size.bit_length()):  # the fuzzer sees no C, but how often Python goes round
            pass


def vectors(path: Path) -> None:
    """Read arrays and vectors."""
    with suppress(ModelError):
        npy.array(path, path.read_bytes(), ModelError)
    keyedvectors.read(path)


def beside_a_manifest(place: Path) -> None:
    """Write a network and its labels."""
    (place / "net.tflite").write_bytes(NETWORK)
    (place / "labels.txt").write_text("a\nb\n")


def beside_a_training(place: Path) -> None:
    """Write the arrays that the corpus names."""
    for name, array in arrays().items():
        np.save(place / f"{name}.npy", array)


def arrays() -> dict[str, Any]:
    """Return a tiny model's arrays, which no generator of numbers decides."""
    return {
        name: np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        for name, shape in ARRAYS.items()
    }


CHUNKS = (
    *("RIFF", "RF64", "WAVE", "fmt ", "data", "ds64", "FORM", "AIFF", "AIFC", "COMM", "SSND", "caff", "desc"),
    *(".snd", "DSD ", "Creative Voice File\x1a", "ftyp", "moov", "mdat", "LIST", "INFO", "ICMT", "IART"),
    *("guan", "wamd", "bext", "fLaC", "OggS", "wvpk", "TTA1", "\xff\xfb", "ID3", "TAG", "\xff\xff\xff\xff"),
)
SAID = ("GUANO|Version: 1.0", "Timestamp:", "Loc Position:", "AudioMoth", "Recorded at ")
COLUMNS = (
    *("file", "start", "end", "label", "row_id", "primary_label", "is_window", "Begin Time (s)", "duration"),
    *("End Time (s)", "class", "scientific_name", "common_name", "site", "latitude", "longitude", "folder"),
    *("nocall", "nan", "inf", "00:01:05.5", ";", ",", "\t", '"'),
)
FACTS = (
    *("decides", "about", "models", "label_spaces", "widths", "metadata", "has_channels", "shard", "inputs"),
    *("asked", "question", "options"),
)
KEYS = tuple(f"{key} = " for key in (*manifest.MEANINGS, "[front_end]", "[[label_spaces]]"))
TRAINED = (
    *(f"{key} = " for key in (*modelfolder.WANTED, *modelfolder.OF_HEAD, "thresholds", "background")),
    *("rate_hz", "n_fft", "hop_samples", "patch_frames", "statistics", "variants", "streams", "nan", "inf"),
)
LABELLED = ("id2label", "names", "item {", "id:", "name:", "index")
ARRAYS_HAVE = ("\x93NUMPY\x01\x00", "descr", "fortran_order", "shape", "<f4")
# What `Database.told` puts in words.
TOLD = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

TARGETS = {
    "headers": Target(header, words=CHUNKS),
    "packets": Target(packets, words=CHUNKS),
    "recordings": Target(audio.read, (AudioError,), words=CHUNKS),
    "comments": Target(told, words=CHUNKS + SAID),
    "tflite": Target(tflite, (ModelError,), words=("TFL3",)),
    "journal": Target(journal, (ConfigError,), NAME, most_bytes=1 << 15),
    "facts": Target(facts, TOLD, words=FACTS),
    "manifests": Target(folder, (ModelError,), "model.toml", beside_a_manifest, KEYS),
    "trainings": Target(trained, (ModelError,), "model.toml", beside_a_training, TRAINED),
    "labels": Target(labelled, (BirdfastError,), words=LABELLED),
    "annotations": Target(annotated, words=COLUMNS, file="input.csv"),
    "bft": Target(bft, (ConfigError,), words=("\x89BFT\r\n\x1a\n",), most_bytes=1 << 14),
    "vectors": Target(vectors, (BirdfastError,), words=ARRAYS_HAVE),
}
