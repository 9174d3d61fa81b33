"""A model as one file (.bft), which the compiled core reads: csrc/bft.c says what lies where."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np

from ..arrays import Float32
from ..config import check
from .compiled import Spoken, Stream
from .streams import TokenStream
from .whole import Whole

MAGIC, VERSION, ALIGNED, CHECKED_FROM = b"\x89BFT\r\n\x1a\n", 1, 64, 24
KINDS = dict(
    zip(
        ("facts", "stream", "centroids", "projection", "shift", "embeddings", "idf", "embedding_mean",
         "statistics_mean", "statistics_deviation", "variant", "layer", "weight", "bias", "classes",
         "thresholds"),
        count(1),
        strict=False,
    )
)  # fmt: skip
LESS = ("none", "mean", "median")
WEIGHTINGS = ("mean", "sqrt", "tf-idf")
ACTIVATIONS = ("none", "sigmoid", "softmax")

Section = tuple[str, int, bytes]  # its kind, number and content


def file(whole: Whole, classes: Sequence[str], thresholds: Sequence[float], activation: str) -> bytes:
    """Return a model's file.

    Parameters
    ----------
    whole : Whole
    classes : sequence of str
    thresholds : sequence of float
        Confidences from which on each class counts as found; none where there are none.
    activation : "none", "sigmoid" or "softmax"

    Raises
    ------
    ConfigError
        A class's name has a character of the number 0.
    """
    check(not any("\0" in name for name in classes), "classes", classes, "names without a NUL")
    sections = list(_sections(whole, activation))
    sections.append(("classes", 0, b"".join(name.encode() + b"\0" for name in classes)))
    if thresholds:
        sections.append(("thresholds", 0, np.asarray(thresholds, "<f8").tobytes()))
    place = _aligned(ALIGNED + 24 * len(sections))
    table, content = b"", []
    for kind, number, data in sections:
        table += struct.pack("<IIQQ", KINDS[kind], number, place, len(data))
        content.append(data + bytes(-len(data) % ALIGNED))
        place += len(content[-1])
    behind = bytes(ALIGNED - CHECKED_FROM) + table
    behind += bytes(-(CHECKED_FROM + len(behind)) % ALIGNED) + b"".join(content)
    told = struct.pack("<II", VERSION, len(sections))
    return MAGIC + told + struct.pack("<II", zlib.crc32(behind, zlib.crc32(told)), 0) + behind


def _sections(whole: Whole, activation: str) -> Iterator[Section]:
    yield "facts", 0, _facts(whole, activation)
    for number, (stream, made) in enumerate(zip(whole.streams, whole.compiled(), strict=True)):
        yield "stream", number, _stream_facts(stream, made)
        yield "centroids", number, _floats(stream.codebook.centroids)
        yield from _there(made, ("projection", "shift"), number)
        yield from _there(made.says, ("embeddings", "idf", "embedding_mean"), number)
    for name in ("statistics_mean", "statistics_deviation"):
        if name in whole.tables:
            yield name, 0, _floats(whole.tables[name])
    for number, variant in enumerate(whole.variants):
        yield "variant", number, _slots(variant.shift_mels, float(variant.stretch), variant.gain)
    for number, layer in enumerate(whole.classifier.layers):
        yield "layer", number, _slots(*layer.weight.shape[::-1])
        yield "weight", number, _floats(layer.weight)
        yield "bias", number, _floats(layer.bias)


def _facts(whole: Whole, activation: str) -> bytes:
    how, pooling = whole.streams[0].tokenizer.front_end, whole.pooling
    return _slots(
        *(how.rate_hz, whole.window_samples, how.n_fft, how.frame_samples, how.hop_samples),
        *(how.n_mels, how.n_mfcc, float(how.fmin_hz), float(how.fmax_hz), how.log, float(how.offset)),
        *(WEIGHTINGS.index(pooling.kind), pooling.n_nearest, float(pooling.loudest)),
        *map(float, (pooling.embedding, pooling.histogram, pooling.statistics)),
        *(pooling.unit_length, len(whole.streams), len(whole.variants), len(whole.classifier.layers)),
        ACTIVATIONS.index(activation),
    )


def _stream_facts(stream: TokenStream, made: Stream) -> bytes:
    dim = 0 if made.says.embeddings is None else made.says.embeddings.shape[1]
    return _slots(
        *(made.patch_frames, made.patch_step, LESS.index(made.less), made.unit_length),
        *(stream.codebook.n_values, made.n_tokens, dim),
    )


def _there(of: Stream | Spoken, names: Sequence[str], number: int) -> Iterator[Section]:
    for name in names:
        array = getattr(of, name)
        if array is not None:
            yield name, number, _floats(array)


def _slots(*values: float | bool) -> bytes:
    return b"".join(struct.pack("<d" if isinstance(value, float) else "<q", value) for value in values)


def _floats(array: Float32) -> bytes:
    return np.ascontiguousarray(array, "<f4").tobytes()


def _aligned(n: int) -> int:
    return -(-n // ALIGNED) * ALIGNED
