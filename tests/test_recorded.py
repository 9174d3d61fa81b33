"""What recorders write into their files is read, in bounds; a week is BirdNET's; a time keeps its zone."""

from __future__ import annotations

import errno
import math
import os
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import models
from birdfast.audio import comments
from birdfast.deployments import Content, clock, content, of
from birdfast.errors import ConfigError
from birdfast.pipeline import Pipeline
from birdfast.pipeline.recorded import told

DAWN = datetime(2024, 6, 12, 5, 30)
EAST = timezone(timedelta(hours=2))
MOTH = "24F3190361DA5B1E"
SAID = f"Recorded at 05:30:00 12/06/2024 (UTC+2) by AudioMoth {MOTH} at medium gain while battery was 4.1V"
WARM = f"{SAID} and temperature was 14.5C."
AT = "Recorded at 19:30:00 12/11/2021"
GUANO = """GUANO|Version: 1.0
Timestamp: 2024-06-12T05:30:00+02:00
Make: Wildlife Acoustics, Inc.
Model: Song Meter Mini
Serial: SMM01234
WA|Song Meter|Prefix: MARSH
Temperature Int: 14.5
OAD|Battery Voltage: 4.1
Loc Position: 52.5163 13.3777
Note: a: b
"""


def chunk(name: bytes, text: bytes) -> bytes:
    return name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)


def bext(date: str, time: str, originator: str = "F3") -> bytes:
    told = (b"a field".ljust(256, b"\0"), originator.encode().ljust(32, b"\0"), bytes(32))
    return chunk(b"bext", b"".join(told) + date.encode() + time.encode() + bytes(8 + 2))


def info(comment: str, artist: str = "") -> bytes:
    inside = chunk(b"ICMT", comment.encode().ljust(384, b"\0"))
    return chunk(b"LIST", b"INFO" + inside + (chunk(b"IART", artist.encode()) if artist else b""))


def wav(path: Path, before: bytes = b"", after: bytes = b"") -> Path:
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    body = b"WAVE" + form + before + chunk(b"data", bytes(4000)) + after
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def wamd(*fields: tuple[int, bytes]) -> bytes:
    return chunk(b"wamd", b"".join(struct.pack("<HI", number, len(text)) + text for number, text in fields))


def flac(path: Path, *lines: str) -> Path:
    told = struct.pack("<I", 3) + b"enc" + struct.pack("<I", len(lines))
    told += b"".join(struct.pack("<I", len(line.encode())) + line.encode() for line in lines)
    head = b"\0" + (34).to_bytes(3) + bytes(34)
    path.write_bytes(b"fLaC" + head + b"\x84" + len(told).to_bytes(3) + told)
    return path


def said(path: Path) -> Content:
    return Content.of_json(told(path))


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (info(WARM), b"", Content(DAWN.replace(tzinfo=EAST), "", "AudioMoth", MOTH, 14.5, 4.1)),
        (
            chunk(b"guan", GUANO.encode()),
            b"",
            Content(
                DAWN.replace(tzinfo=EAST), "MARSH", "Song Meter Mini", "SMM01234", 14.5, 4.1, 52.5163, 13.3777
            ),
        ),
        (b"", chunk(b"guan", b"Timestamp: 2024-06-12 05:30:00Z"), Content(DAWN.replace(tzinfo=UTC))),
        (
            wamd(
                (0, b"\1\0"), (1, b"SM4"), (2, b"S4A01234"), (5, b"2024-06-12 05:30:00+02:00"), (16, bytes(9))
            ),
            b"",
            Content(DAWN.replace(tzinfo=EAST), "", "SM4", "S4A01234"),
        ),
        (wamd((4, b"MARSH\0"), (5, b"never"))[:-3], b"", Content(site="MARSH")),
        (bext("2024-06-12", "05:30:00"), b"", Content(DAWN, "", "F3")),
        (bext("2024:06:12", "05-30-00"), b"", Content(DAWN, "", "F3")),
        (bext("2024-06-31", "05:30:00", ""), b"", Content()),
        (
            bext("2023-01-01", "00:00:00") + info(WARM),
            b"",
            Content(DAWN.replace(tzinfo=EAST), "", "AudioMoth", MOTH, 14.5, 4.1),
        ),
        (
            chunk(b"guan", b"Timestamp: 2023-01-01T00:00:00"),
            info(SAID),
            Content(DAWN.replace(tzinfo=EAST), "", "AudioMoth", MOTH, None, 4.1),
        ),
        (chunk(b"guan", b"Loc Position: 95 200\nTemperature Int: warm"), b"", Content()),
        (b"", b"", Content()),
    ],
)
def test_what_a_wav_says_is_read(tmp_path: Path, before: bytes, after: bytes, wanted: Content) -> None:
    assert said(wav(tmp_path / "a.wav", before, after)) == wanted


@pytest.mark.parametrize(
    ("comment", "start", "battery_v", "temperature_c"),
    [
        (f"{AT} (UTC) by AudioMoth {MOTH} at gain setting 2 while battery state"
         " was 3.9V", datetime(2021, 11, 12, 19, 30, tzinfo=UTC), 3.9, None),
        (f"{AT} (UTC-5:30) by AudioMoth {MOTH} at high gain while battery was"
         " greater than 4.9V and temperature was -3.0C.",
         datetime(2021, 11, 12, 19, 30, tzinfo=timezone(-timedelta(hours=5, minutes=30))), 4.9, -3.0),
        ("Recorded at 19:30:00.500 12/11/2021 (UTC) during deployment EEC909D42565A5F0 at medium gain while"
         " battery was less than 2.5V", datetime(2021, 11, 12, 19, 30, tzinfo=UTC), 2.5, None),
        ("Recorded at 19:30:00 31/06/2021 (UTC) by AudioMoth 24F3190361DA5B1E", None, None, None),
        ("Recorded at dawn", None, None, None),
    ],
)  # fmt: skip
def test_each_firmwares_sentence_is_read(
    comment: str, start: datetime | None, battery_v: float | None, temperature_c: float | None
) -> None:
    found = content.of({"comment": comment, "artist": f"AudioMoth {MOTH}"})
    assert (found.start, found.battery_v, found.temperature_c) == (start, battery_v, temperature_c)
    assert found.serial == MOTH


def test_a_flacs_comments_are_read(tmp_path: Path) -> None:
    path = flac(tmp_path / "a.flac", "TITLE=dawn", f"Comment={WARM}")
    assert said(path) == Content(DAWN.replace(tzinfo=EAST), "", "AudioMoth", MOTH, 14.5, 4.1)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"fLaC", b"fLaC\x84\xff\xff\xff", b"OggS" * 9]
)
def test_what_says_nothing_is_no_trouble(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert told(path) == told(tmp_path) == told(tmp_path / "missing.wav") == ""


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    assert told(tmp_path / "a.wav") == ""


@pytest.mark.parametrize("n_times", [1, 2])
def test_what_a_disk_does_not_give_back_is_read_again_and_then_the_files_failure(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_times: int
) -> None:
    """Never as if the recorder had said nothing: of a place depends which species are told of."""
    path, fails, walk = wav(tmp_path / "a.wav", info(WARM)), [True] * n_times, comments.Chunks.walk

    def failing(chunks: comments.Chunks, place: int) -> object:
        if fails:
            fails.pop()
            raise OSError(errno.EIO, "Input/output error")
        return walk(chunks, place)

    with monkeypatch.context() as patch:
        patch.setattr(comments, "Chunks", type("Failing", (comments.Chunks,), {"walk": failing}))
        outcome = Pipeline(tiny).analyse(str(path))
    if n_times == 1:
        assert outcome.failure is None
        assert Content.of_json(outcome.told).serial == MOTH
    else:
        assert outcome.failure.message == f"{path}: cannot be read (Input/output error)"
        assert outcome.told == ""  # it is not asked again for the tables


def test_a_text_without_end_is_read_to_a_bound(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", chunk(b"guan", b"Note: " + b"x" * 1_000_000), info(WARM))
    assert len(comments.read(path)["guano"]) == comments.MOST_BYTES
    assert said(path).serial == MOTH


@given(st.binary(max_size=200))
def test_damage_is_no_trouble(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.wav"
    for found in (
        b"RIFF\0\0\0\0WAVE" + junk,
        b"fLaC" + junk,
        wav(path, chunk(b"guan", junk), chunk(b"wamd", junk)).read_bytes(),
    ):
        path.write_bytes(found)
        Content.of_json(told(path))


@given(st.text(), st.text(), st.text())
def test_any_text_is_answered(guano: str, comment: str, date: str) -> None:
    found = content.of({"guano": guano, "comment": comment, "date": date, "originator": guano})
    assert Content.of_json(found.to_json()) == found


NAMES = (
    "20240612_053000.WAV",
    "20240612_053000T.WAV",
    f"{MOTH}_20240612_053000.WAV",
    "66693258.WAV",
    "MARSH_20240612_053000.wav",
    "SM301297_0+1_20240612_053000.wav",
    "MARSH_20240612$053000.wav",
    "MARSH_20240612_053000_000.wav",
    "20240612T053000+1000_REC [19.2144 152.8811].flac",
    "S20240612T053000.982648+1000_E20240612T063000.967555+1000_-12.34567+78.98102.wav",
    "SwiftOne_20240612_053000_-0400.wav",
    "2024-06-12-birdnet-05:30:00.wav",
    "2024-06-12-birdnet-RTSP_1-05:30:00.wav",
    "Turdus_merula-87-2024-06-12-birdnet-05:30:00.mp3",
    "turdus_merula_87p_20240612T053000Z.m4a",
    "BC2026_Test_0001_S05_20240612_053000.ogg",
    "OWL_123456_2024-06-12_T05-30-00.WAV",
    "2024-06-12 05-30-00.wav",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_week_of_each_kind_of_name(name: str) -> None:
    start = of(name).start
    assert start is not None
    assert (start.replace(tzinfo=None), clock.week(start)) == (DAWN, 22)


@pytest.mark.parametrize("year", [2023, 2024, 2000, 1900, 9999])
def test_a_week_is_a_48th_of_the_year(year: int) -> None:
    days = 366 if year in (2024, 2000) else 365
    for day in range(1, days + 1):
        date = datetime(year, 1, 1) + timedelta(days=day - 1)
        assert clock.week(date) == math.ceil(day / days * 48)


def test_a_clock_without_a_zone_takes_the_one_that_is_told() -> None:
    berlin = clock.zone("tz", "Europe/Berlin")
    assert clock.moment(DAWN, berlin).isoformat() == "2024-06-12T05:30:00+02:00"
    assert clock.moment(DAWN.replace(tzinfo=UTC), berlin).isoformat() == "2024-06-12T07:30:00+02:00"
    assert clock.moment(DAWN.replace(tzinfo=EAST)).isoformat() == "2024-06-12T05:30:00+02:00"
    assert clock.moment(DAWN).isoformat() == "2024-06-12T05:30:00"
    late = clock.moment(
        datetime(2024, 10, 27, 1, 30), berlin
    )  # two hours later the clocks have gone back one
    assert (late + timedelta(hours=2)).astimezone(UTC) - late.astimezone(UTC) == timedelta(hours=2)


@pytest.mark.parametrize(
    "text", ["Mars/Olympus", "+25:00", "", "../etc/passwd", "+", "02:00", "a\0b", 2, None, "Europe"]
)
def test_no_zone_is_refused(text: object) -> None:
    with pytest.raises(ConfigError, match="tz: .*Europe/Berlin"):
        clock.zone("tz", text)
