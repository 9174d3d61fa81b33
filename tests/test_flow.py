"""What comes in pieces of any length is the same bytes, and what lies behind a WAV's sound is told apart."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.errors import AudioError
from birdfast.live.flow import Flow

CHUNK = b"LIST\x03\0\0\0abc\0"


def flow(data: bytes, piece: int) -> Flow:
    stream = io.BytesIO(data)
    return Flow(lambda: stream.read(piece))


@pytest.mark.parametrize("piece", [1, 7, 1_000])
@pytest.mark.parametrize(
    ("told", "behind", "is_sound"),
    [
        (2, b"", False),
        (2, bytes(900), False),
        (2, CHUNK, False),
        (3, b"\0" + CHUNK, False),
        (3, CHUNK, False),
        (2, CHUNK + b"own \1\0\0\0a\0", False),
        (2, CHUNK[:-1] + b"fact\0\0\0\0", False),
        (2, b"TAGsong", False),
        (2, b"\1", True),
        (2, bytes(900) + b"\1" + bytes(3), True),
        (3, bytes(200_000) + b"sound", True),
        (2, b"own \1\0\0\0a\0", True),
    ],
)
def test_what_lies_behind_sound(told: int, behind: bytes, is_sound: bool, piece: int) -> None:
    """A frame has four bytes: those that make none of their own come first."""
    rest = b"\2" * (told % 4)
    found = flow(rest + behind, piece)
    assert found.has_sound_behind(told, 4) == is_sound
    if is_sound:
        assert found.take(1 << 20) == rest + behind


@pytest.mark.parametrize("between", [b"", b"\0", CHUNK, CHUNK + b"own \2\0\0\0ab"])
def test_another_file_is_said(between: bytes) -> None:
    with pytest.raises(AudioError, match="another WAV file begins behind its sound"):
        flow(between + b"RIFF....WAVE", 5).has_sound_behind(1 if between == b"\0" else 2, 1)


@given(st.binary(max_size=99), st.integers(1, 9), st.integers(1, 4), st.integers(0, 4))
def test_frames_are_whole_and_all_of_them(data: bytes, piece: int, frame: int, n: int) -> None:
    found, every = flow(data, piece), b""
    assert found.peek(n) == data[:n]
    while some := found.frames(frame, None):
        assert len(some) % frame == 0
        every += some
    assert every == data[: len(data) // frame * frame]
