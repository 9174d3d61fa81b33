"""BirdNET-Analyzer's command `segments`: its flags as `birdfast clips` has them, and its defaults."""

from __future__ import annotations

from typing import NamedTuple

from .flags import ALL, NEW, flag, needless

SEGMENTS = "segments"
FLAGS = (
    flag("-r --results", ALL, "--results", "INPUT then is where the recordings are"),
    flag("-o --output", ALL, "--output", "a folder, always"),
    flag("--max_segments", ALL, "--most"),
    flag("--seg_length", ALL, "--length", "at least: a longer detection is not cut"),
    flag("--min_conf", ALL, "--min-conf"),
    flag("--max_conf", NEW, "--max-conf"),
    flag("--collection_mode", NEW, "--mode"),
    flag("--n_bins", NEW, "--bins"),
    needless("-t --threads", ALL, "clips are cut one after the other"),
    flag("--audio_speed", NEW, takes=1, refused="clips are as they were recorded"),
)


class Usual(NamedTuple):
    """What is taken where nothing is said."""

    most: int
    length_s: float
    min_confidence: float


OURS = Usual(10, 0.0, 0.0)
USUAL = Usual(100, 3.0, 0.25)  # the Analyzer's
