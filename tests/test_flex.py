"""Flex operators that only check or move numbers are read as builtin ones; others are named, or left out."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birdfast.arrays import Array
from birdfast.errors import ModelError
from birdfast.grafting import ending, flatbuffer, fold, graft, original, roles
from birdfast.runtimes import litert
from birdfast.sessions import open_session

from . import networks
from .graphs import Builder, schema
from .perchlike import DT_FLOAT, field, flex, kind, options, shaped

Make = Callable[[Builder, int], int]
SOUND = np.random.default_rng(6).normal(0, 1, (2, 3, 4)).astype(np.float32)
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def built(make: Make, *, closed: bool = True) -> bytes:
    """A network of [2, 3, 4] that one operator is made in; closed: something follows."""
    b = Builder()
    made = make(b, b.input(SOUND.shape))
    return b.finish(b("NEG", [made], b.graph.shape(made), schema.NegOptionsT()) if closed else made)


def said(data: bytes) -> Array:
    graph = original.read(data)
    runner = litert.start(graph.write(), delegate=False)
    return litert.run(runner, {graph.inputs[0]: SOUND}, graph.outputs)[0]


def transpose(b: Builder, source: int, dtype: type = np.int32) -> int:
    return flex(b, "Transpose", [source, b.constant([2, 0, 1], dtype)], (4, 2, 3), {}, np.float32)


def slices(
    b: Builder, source: int, masks: tuple[int, ...] = (), shape: Any = (1, 2, 2), dtype: type = np.int32
) -> int:
    limits = [b.constant(v, dtype) for v in ([1, 0, 1], [2, 2, 2**31 - 1], [1, 1, 2])]
    told = {name: field(3, mask) for name, mask in zip(MASKS, masks, strict=False)}
    return flex(b, "StridedSlice", [source, *limits], shape, told, np.float32)


def checked(b: Builder, source: int, *lengths: int) -> int:
    attributes = {"T": kind(DT_FLOAT), "shape": shaped(*(lengths or (-1, 3, 4)))}
    return flex(b, "EnsureShape", [source], SOUND.shape, attributes, np.float32)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_transpose_is_a_transpose(dtype: type) -> None:
    np.testing.assert_array_equal(said(built(lambda b, t: transpose(b, t, dtype))), -SOUND.transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("masks", "meant"),
    [
        ((), SOUND[1:2, 0:2, 1::2]),
        ((1, 2), SOUND[:2, 0:, 1::2]),
        ((0, 0, 0, 0, 1), SOUND[1, 0:2, 1::2]),
        ((1, 1, 0, 0, 1), SOUND[1, 0:2, 1::2]),  # TensorFlow asks the first two only where it shrinks nothing
        ((0, 0, 0, 2), SOUND[1:2, None, 1::2]),
        ((0, 0, 2), SOUND[1:2, ..., 1::2]),
    ],
)
def test_a_strided_slice_keeps_its_masks(dtype: type, masks: tuple[int, ...], meant: Array) -> None:
    made = built(lambda b, t: slices(b, t, masks, meant.shape, dtype))
    np.testing.assert_array_equal(said(made), -meant)


def test_an_ellipsis_that_stands_for_no_axis_is_refused() -> None:
    def make(b: Builder, source: int) -> int:
        limits = [b.constant(v, np.int32) for v in ([0] * 4, [-1, 0, -1, -1], [1] * 4)]
        return flex(
            b, "StridedSlice", [source, *limits], (1, 2, 3), {"ellipsis_mask": field(3, 2)}, np.float32
        )

    with pytest.raises(ModelError, match="its ellipsis stands for no axis"):
        original.read(built(make))


def test_indices_may_be_computed() -> None:
    def make(b: Builder, source: int) -> int:
        how = schema.ShapeOptionsT()
        how.outType = schema.TensorType.INT64
        lengths = b("SHAPE", [source], (3,), how, np.int64)
        rest = [b.constant(v, np.int64) for v in ([0, 1, 0], [1, 1, 1])]
        return flex(b, "StridedSlice", [source, rest[0], lengths, rest[1]], (2, 2, 4), {}, np.float32)

    np.testing.assert_array_equal(said(built(make)), -SOUND[:, 1:])


@pytest.mark.parametrize("closed", [True, False])
def test_a_check_of_a_shape_does_nothing(closed: bool) -> None:
    twice = built(lambda b, t: checked(b, checked(b, t)), closed=closed)
    np.testing.assert_array_equal(said(twice), -SOUND if closed else SOUND)


@pytest.mark.parametrize("lengths", [(2, 3, 5), (2, 3), (2, 3, 4, 1)])
def test_a_check_that_fails_is_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"FlexEnsureShape \(operator 0, .*cannot be understood"):
        original.read(built(lambda b, t: checked(b, t, *lengths)))


def test_what_no_builtin_says_is_named_with_its_place() -> None:
    def make(b: Builder, source: int) -> int:
        return flex(b, "Erfinv", [checked(b, source)], SOUND.shape, {}, np.float32)

    with pytest.raises(ModelError, match=r"FlexErfinv \(operator 1, .*'flex/Erfinv'\): .* TFLITE_BUILTINS"):
        original.read(built(make))


def with_two_outputs() -> bytes:
    b = Builder()
    source = b.input((1, 8))
    b.graph.tensors[source].name = b"sound"
    lost = flex(b, "Erfinv", [source], (1, 8), {}, np.float32)
    lost, good = (
        b("NEG", [lost], (1, 8), schema.NegOptionsT()),
        b("NEG", [source], (1, 8), schema.NegOptionsT()),
    )
    b.graph.tensors[lost].name, b.graph.tensors[good].name = b"genus", b"label"
    return b.finish(lost, good)


@pytest.mark.parametrize("which", ["label", "#1"])
def test_what_the_outputs_asked_for_do_not_need_is_left_out(which: str) -> None:
    data, shown, _ = graft.shown_alone(with_two_outputs(), roles.Wanted(which))
    graph = original.read(data)
    assert [graph.name(op) for op in graph.operators] == ["NEG"]
    assert graph.outputs == [shown["logits"]]


def test_an_output_that_needs_it_is_refused_when_asked_for() -> None:
    with pytest.raises(ModelError, match=r"genus: not supported: custom operator FlexErfinv \(operator 0"):
        graft.shown_alone(with_two_outputs(), roles.Wanted("genus"))
    with pytest.raises(ModelError, match="FlexErfinv"):  # who asks for all
        original.read(with_two_outputs())
    names = [output.names for output in ending.outputs(original.read(with_two_outputs(), partial=True))]
    assert names == [("genus",), ("label",)]


def test_a_session_runs_the_outputs_that_can_be_computed(tmp_path: Path) -> None:
    path = tmp_path / "two.tflite"
    path.write_bytes(with_two_outputs())
    for cache in (None, tmp_path / "kept"):
        told = networks.described(path, output="label", rate_hz=8_000, window_samples=8, embedding="")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # that nothing of it is to be rewritten
            session = open_session(told, cache=cache)
        sound = SOUND.reshape(-1, 8)[:1]
        np.testing.assert_array_equal(session.run(sound)["logits"], -sound)
        with pytest.raises(ModelError, match="genus: not supported: custom operator FlexErfinv"):
            open_session(dataclasses.replace(told, output="genus"), cache=cache)


def test_what_no_output_needs_is_left_out() -> None:
    def make(b: Builder, source: int) -> int:
        flex(b, "Assert", [source], (), {}, np.float32)
        return source

    np.testing.assert_array_equal(said(built(make)), -SOUND)


HOSTILE = {
    "none": b"",
    "one byte": b"\x01",
    "another node": options("Transpose", 4, {}),
    "masks beyond any axis": options("StridedSlice", 4, {"begin_mask": field(3, 2**40)}),
    "masks below 0": options("StridedSlice", 4, {"end_mask": field(3, -1)}),
    "a field that ends nowhere": options("StridedSlice", 4, {"end_mask": b"\x0a\xff\xff\xff\xff\x7f"}),
    "a number without an end": options("StridedSlice", 4, {"end_mask": b"\x18" + 12 * b"\xff"}),
    "a group": options("StridedSlice", 4, {"end_mask": b"\x1b"}),
    "an attribute without a value": options("StridedSlice", 4, {})[:-6] + b"\x2a\x00" + b"\0" * 6,
}


def with_options(held: bytes) -> bytes:
    model = flatbuffer.read(built(lambda b, t: slices(b, t)))
    model.subgraphs[0].operators[0].customOptions = np.frombuffer(held, np.uint8)
    return flatbuffer.write(model)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_options_are_refused_in_words(name: str) -> None:
    with pytest.raises(ModelError, match=r"FlexStridedSlice \(operator 0"):
        original.read(with_options(HOSTILE[name]))


def test_whatever_options_hold_they_are_read_or_refused() -> None:
    honest, random = (
        options("StridedSlice", 4, {name: field(3, 1) for name in MASKS}),
        np.random.default_rng(1),
    )
    n_read = 0
    for _ in range(100):
        held = bytearray(honest)
        for at in random.integers(0, len(held), random.integers(1, 4)):
            held[at] = random.integers(0, 256)
        try:
            original.read(with_options(bytes(held[: random.integers(len(held) // 2, 2 * len(held))])))
            n_read += 1
        except ModelError:
            continue
    assert 0 < n_read < 100


# ---- parts of complex numbers ----


def spectrum(b: Builder) -> int:
    lines = b.reshape(b.input((1, 24)), (3, 1, 8))
    length, how = b.constant([1, 8], np.int32), schema.Rfft2dOptionsT()
    return b.reshape(b("RFFT2D", [lines, length], (3, 1, 5), how, np.complex64), (3, 5))


def moved(b: Builder, part: str, squared: bool) -> int:
    t = b("TRANSPOSE", [spectrum(b), b.constant([1, 0], np.int32)], (5, 3), None, np.complex64)
    if part == "COMPLEX_ABS":
        t = b("MUL", [b.constant(-3j, np.complex64), t], (5, 3), None, np.complex64)
    limits = [b.constant(v, np.int32) for v in ([4, 0], [-6, 3], [-1, 1])]
    t = b("STRIDED_SLICE", [t, *limits], (5, 3), schema.StridedSliceOptionsT(), np.complex64)
    how = schema.CastOptionsT()
    how.inDataType, how.outDataType = schema.TensorType.COMPLEX64, schema.TensorType.FLOAT32
    t = b(part, [t], (5, 3), how if part == "CAST" else None)
    return b("MUL", [t, t], (5, 3)) if squared else t


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("part", ["COMPLEX_ABS", "REAL", "IMAG", "CAST"])
def test_parts_are_taken_before_numbers_are_moved(part: str, squared: bool) -> None:
    b = Builder()
    data = b.finish(moved(b, part, squared))
    frozen = fold.freeze(original.read(data))
    names = [frozen.name(op) for op in frozen.operators]
    at = names.index("RFFT2D")
    assert names[at : at + 2 + squared] == ["RFFT2D", part, "MUL"][: 2 + squared]
    sound = SOUND.reshape(1, 24)
    before, after = (
        litert.run(litert.start(one), {0: sound}, frozen.outputs)[0] for one in (data, frozen.write())
    )
    np.testing.assert_allclose(after, before, rtol=1e-6)
    take = {"COMPLEX_ABS": lambda z: np.abs(3 * z), "IMAG": np.imag}.get(part, np.real)
    meant = take(np.fft.rfft(sound.reshape(3, 8))).T[::-1]
    np.testing.assert_allclose(after, meant**2 if squared else meant, atol=1e-4)
