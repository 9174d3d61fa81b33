"""A recording's name tells where and when it was made, or nothing; a pattern is no regular expression."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.deployments import FAMILIES, Deployment, compiled, of
from birdfast.errors import ConfigError

SIX = datetime(2025, 1, 1, 6)
DAWN = datetime(2024, 6, 12, 5, 30)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("BC2026_Test_0001_S05_20250101_060000.ogg", Deployment("S05", "", SIX)),
        ("BC2026_Test_0001_S05_20250101_060000_5", Deployment("S05", "", SIX)),
        ("card/20240612_053000.WAV", Deployment("", "AudioMoth", DAWN)),
        ("20240612_053000T.WAV", Deployment("", "AudioMoth", DAWN)),
        ("24F3190361DA5B1E_20240612_053000.WAV", Deployment("24F3190361DA5B1E", "AudioMoth", DAWN)),
        ("5D0F2A10.WAV", Deployment("", "AudioMoth", datetime(2019, 6, 23, 7, 28, 16, tzinfo=UTC))),
        ("MARSH_20240612_053000.wav", Deployment("MARSH", "Song Meter", DAWN)),
        ("north_marsh_2_20240612_053000.wav", Deployment("north_marsh_2", "Song Meter", DAWN)),
        ("MARSH_20240631_053000.wav", Deployment("MARSH", "Song Meter", None)),
        ("MARSH_20240612_243000.wav", Deployment("MARSH", "Song Meter", None)),
        ("20240612.WAV", Deployment()),
        ("00000010.WAV", Deployment()),
        ("soundscape_8358733.ogg", Deployment()),
        ("dawn.wav", Deployment()),
    ],
)
def test_recorders_names_tell(name: str, told: Deployment) -> None:
    assert of(name) == of(Path(name)) == told


@pytest.mark.parametrize(
    ("pattern", "name", "told"),
    [
        ("{site}_{date:%Y%m%d}_{time:%H%M%S}", "a/b_c_20240612_053000.wav", Deployment("b_c", "", DAWN)),
        ("{site}/{start:%Y-%m-%d-%H.%M}", "/data/marsh/2024-06-12-05.30.flac", Deployment("marsh", "", DAWN)),
        ("{recorder}-{site}-{date}T{time}", "sm4-x-20240612T053000.wav", Deployment("x", "sm4", DAWN)),
        ("plot({site})", "plot(7).wav", Deployment("7")),
        ("plot.{site}", "plotX7.wav", Deployment()),
        ("{site}/{any}", "alone.wav", Deployment()),
    ],
)
def test_a_pattern_tells_what_it_names_and_is_else_as_it_stands(
    pattern: str, name: str, told: Deployment
) -> None:
    assert of(name, pattern) == told


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "",
            "dawn",
            "{place}",
            "{site",
            "site}",
            "{site}{site}",
            "{date}",
            "{time}_{site}",
            5,
            b"{site}",
            [],
        ),
        *("{date:%B}_{time}", "{date}_{start}", "{site:%Y}", "{any}_{any}_{any}_{any}", "{date:%}{time}"),
    ],
)
def test_a_pattern_that_tells_nothing_or_two_things_is_refused(pattern: Any) -> None:
    with pytest.raises(ConfigError, match="name pattern: "):
        of("a.wav", pattern)


@given(st.text(max_size=30), st.text("_.20AF{}()[]*+?\\/%", max_size=40))
def test_any_name_and_any_text_of_a_pattern_are_answered_or_refused(name: str, literal: str) -> None:
    try:
        of(name, literal + "{site}")
        of(name)
    except ConfigError:
        pass


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.from_regex("[a-z]{1,9}", fullmatch=True))
def test_what_a_recorder_writes_is_read(start: datetime, site: str) -> None:
    start = start.replace(microsecond=0)
    assert of(f"{site}_{start:%Y%m%d_%H%M%S}.wav") == Deployment(site, "Song Meter", start)


def test_families_are_patterns() -> None:
    for _, template in FAMILIES:
        compiled(template)
