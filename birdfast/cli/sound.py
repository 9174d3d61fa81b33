"""The options of sound: what of a recording reaches the windows, and how."""

from __future__ import annotations

import argparse

from ..config import Options
from . import channel, values


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is heard of a recording."""
    group = parser.add_argument_group("sound")
    channel.argument(group, each="with a column that says which")
    group.add_argument(
        "--resampler",
        choices=("steep", "soxr-hq", "birdnet"),
        default=Options.resampler,
        help="how sound gets to the model's rate: keeping nearly all that both rates can hold, by soxr, or"
        " window by window as birdnet does, for comparisons (default: %(default)s)",
    )
    group.add_argument(
        "--fmin",
        type=values.real,
        default=Options.fmin_hz,
        metavar="HZ",
        help="filter each window as birdnet does: what lies below this is not heard (default: %(default)g,"
        " which filters nothing)",
    )
    group.add_argument(
        "--fmax",
        type=values.real,
        default=Options.fmax_hz,
        metavar="HZ",
        help="the same for what lies above it (default: %(default)g, which filters nothing)",
    )
    group.add_argument(
        "--audio-speed",
        type=values.real,
        default=Options.speed,
        metavar="S",
        help="hear recordings so many times as fast, 0.01 to 100: at 0.1 bats of 40 kHz are heard at 4 kHz;"
        " windows, overlap and the band are of what is heard, times in tables of the recording; the rate that"
        " is heard, the recording's times S, has to lie between 1 and 768 kHz (default: %(default)g)",
    )
