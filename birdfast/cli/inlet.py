"""Where sound comes from as it comes: a pipe, a FIFO, a file, or a device; of `listen`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..words import counted
from . import values

if TYPE_CHECKING:
    from ..audio.pcm import Pcm
    from ..live.reader import Came
    from ..live.source import Source

NOW = "now"
RATE_HZ = 48_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a source may be."""
    come = parser.add_argument_group("where sound comes from")
    come.add_argument("--input", type=values.file, metavar="PATH", help="a FIFO or a file (default: stdin)")
    come.add_argument(
        "--device",
        nargs="?",
        const=True,  # the usual one; a word would go through `type`
        type=values.text,
        metavar="D",
        help="a microphone: its number or a part of its name, or the system's usual one (takes the extra"
        " live)",
    )
    come.add_argument(
        "--rate",
        type=values.positive,
        metavar="HZ",
        help=f"of raw samples (default: {RATE_HZ}), or wanted of a device (default: its own)",
    )
    come.add_argument(
        "--format",
        choices=("s16", "f32"),
        help="of raw samples: 16-bit integers or 32-bit floats, the lowest byte first (default: s16)",
    )
    come.add_argument(
        "--channels",
        type=values.positive,
        metavar="N",
        help="how many there are in raw samples, or wanted of a device (default: 1)",
    )
    come.add_argument(
        "--realtime", action="store_true", help="lose sound rather than let the pipe wait, and count it"
    )
    come.add_argument(
        "--reconnect", action="store_true", help="open --input again when whoever writes into it has gone"
    )
    come.add_argument(
        "--name", metavar="NAME", help="what rows have as their file; site and time may stand in it"
    )
    come.add_argument(
        "--began",
        dest="began_at",
        metavar="TIME",
        help="when the sound begins, as 2026-05-01T04:00:00+02:00, or now: rows have their time (default: of"
        " a device now, else not known)",
    )


def source(chosen: argparse.Namespace) -> Source:
    """Return where sound comes from, and refuse what makes no sense with it."""
    from ..audio.pcm import Pcm
    from ..live.device import Device
    from ..live.pipe import Pipe

    if chosen.device is not None:
        if chosen.input is not None:
            raise ConfigError("--device and --input: sound comes from one of them")
        if chosen.format is not None:
            raise ConfigError("--format is of raw samples: a device's are not asked for")
        return Device("" if chosen.device is True else chosen.device, chosen.rate, chosen.channels or 1)
    if chosen.reconnect and (chosen.input is None or chosen.input.is_file()):
        raise ConfigError("--reconnect takes --input with a FIFO: all else ends once")
    if chosen.input is None and sys.stdin is not None and sys.stdin.isatty():
        raise ConfigError(
            "no sound: standard input is a terminal; pipe sound into it, or --device hears a microphone"
        )
    return Pipe(chosen.input, Pcm(chosen.rate or RATE_HZ, chosen.channels or 1, chosen.format or "s16"))


def name(chosen: argparse.Namespace, source: Source) -> str:
    """Return what rows have as their file."""
    if chosen.name is not None:
        return str(chosen.name)
    return source.name if chosen.input is not None or chosen.device is not None else "stdin"


def told(chosen: argparse.Namespace, source: Source, came: Iterable[Came]) -> Iterator[str | Came]:
    """Yield what comes, and before sound begins, how it is taken: a line, where that is new."""
    from ..live.reader import Began

    before: list[str] = []
    for what in came:
        if isinstance(what, Began) and (lines := [*_told(chosen, source, what.pcm)]) != before:
            yield from lines
            before = lines
        yield what


def _told(chosen: argparse.Namespace, source: Source, pcm: Pcm) -> Iterator[str]:
    """Yield how samples come, and what was said of raw ones and is not so of a WAV."""
    from ..live.pipe import Pipe

    how = f"{pcm.encoding}, {pcm.rate_hz:,} Hz, {counted(pcm.n_channels, 'channel')}"
    if not isinstance(source, Pipe):
        yield f"{source.name}: {how}"
        return
    yield f"{source.name}: {'raw' if source.is_raw else 'WAV'}, {how}"
    said = {"--rate": chosen.rate, "--channels": chosen.channels, "--format": chosen.format}
    is_so = (pcm.rate_hz, pcm.n_channels, pcm.encoding)
    wrong = [
        f"{flag} {value}"
        for (flag, value), is_one in zip(said.items(), is_so, strict=True)
        if value not in (None, is_one)
    ]
    if wrong:
        yield f"{source.name}: {', '.join(wrong)} ignored: a WAV's header tells"


def began(chosen: argparse.Namespace) -> datetime | None:
    """Return when the sound begins, where that is told."""
    if chosen.began_at == NOW or (chosen.began_at is None and chosen.device is not None):
        return datetime.now().astimezone()
    if chosen.began_at is None:
        return None
    try:
        return datetime.fromisoformat(chosen.began_at)
    except ValueError as error:
        raise ConfigError(
            f"--began: {chosen.began_at!r} is no time, as 2026-05-01T04:00:00, or {NOW}"
        ) from error
