"""A model as one file (.bft), which the compiled core reads wherever it runs: csrc/bft.c says what lies where."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Float32
from ..classifier import Classifier
from .compiled import Spoken
from .pooling import Pooling
from .streams import TokenStream
from .tokenizer import TokenFrontEnd
from .variants import Variant

MAGIC, VERSION, ALIGNED = b"\x89BFT\r\n\x1a\n", 1, 64
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


class Portable(NamedTuple):
    """What a file says of a model."""

    window_samples: int
    streams: Sequence[TokenStream]
    pooling: Pooling
    tables: Mapping[str, Float32]
    variants: Sequence[Variant]
    classifier: Classifier
    classes: Sequence[str]
    thresholds: Sequence[float]
    activation: str

    def file(self) -> bytes:
        """Return the file."""
        sections = list(self._sections())
        place = _aligned(ALIGNED + 24 * len(sections))
        table, content = b"", b""
        for kind, number, data in sections:
            table += struct.pack("<IIQQ", KINDS[kind], number, place + len(content), len(data))
            content += data + bytes(-len(data) % ALIGNED)
        behind = bytes(ALIGNED - 24) + table
        behind += bytes(place - 24 - len(behind)) + content
        return MAGIC + struct.pack("<IIII", VERSION, len(sections), zlib.crc32(behind), 0) + behind

    def _sections(self) -> list[Section]:
        found: list[Section] = [("facts", 0, self._facts())]
        for number, stream in enumerate(self.streams):
            found += _of_stream(stream, Spoken.of(self.tables, number), number)
        names = ("statistics_mean", "statistics_deviation")
        found += [(name, 0, _floats(self.tables[name])) for name in names if name in self.tables]
        for number, variant in enumerate(self.variants):
            found.append(("variant", number, _slots(variant.shift_mels, variant.stretch, variant.gain)))
        for number, layer in enumerate(self.classifier.layers):
            n_out, n_in = layer.weight.shape
            found.append(("layer", number, _slots(n_in, n_out)))
            found += [("weight", number, _floats(layer.weight)), ("bias", number, _floats(layer.bias))]
        found.append(("classes", 0, b"".join(name.encode() + b"\0" for name in self.classes)))
        if self.thresholds:
            found.append(("thresholds", 0, np.asarray(self.thresholds, "<f8").tobytes()))
        return found

    def _facts(self) -> bytes:
        how: TokenFrontEnd = self.streams[0].tokenizer.front_end
        pooling = self.pooling
        return _slots(
            *(how.rate_hz, self.window_samples, how.n_fft, how.frame_samples, how.hop_samples),
            *(how.n_mels, how.n_mfcc, float(how.fmin_hz), float(how.fmax_hz), how.log, float(how.offset)),
            *(WEIGHTINGS.index(pooling.kind), pooling.n_nearest, float(pooling.loudest)),
            *map(float, (pooling.embedding, pooling.histogram, pooling.statistics)),
            *(pooling.unit_length, len(self.streams), len(self.variants), len(self.classifier.layers)),
            ACTIVATIONS.index(self.activation),
        )


def _of_stream(stream: TokenStream, says: Spoken, number: int) -> list[Section]:
    how, made = stream.tokenizer.front_end, stream.compiled(says)
    dim = 0 if says.embeddings is None else says.embeddings.shape[1]
    facts = _slots(
        *(how.patch_frames, how.patch_step, LESS.index(how.less), how.unit_length),
        *(stream.codebook.n_values, len(stream.codebook), dim),
    )
    arrays: dict[str, Any] = {
        "centroids": stream.codebook.centroids,
        "projection": made.projection,
        "shift": made.shift,
        "embeddings": says.embeddings,
        "idf": says.idf,
        "embedding_mean": says.embedding_mean,
    }
    there = [(name, number, _floats(array)) for name, array in arrays.items() if array is not None]
    return [("stream", number, facts), *there]


def _slots(*values: float | bool) -> bytes:
    return b"".join(struct.pack("<d" if isinstance(value, float) else "<q", value) for value in values)


def _floats(array: Float32) -> bytes:
    return np.ascontiguousarray(array, "<f4").tobytes()


def _aligned(n: int) -> int:
    return -(-n // ALIGNED) * ALIGNED
