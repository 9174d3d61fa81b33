"""Hear sound as it comes, and print what is heard as it is heard: a line of NDJSON for each detection.

Sound comes from standard input, from a FIFO or file (--input), or from a microphone (--device). What comes is
a WAV if it begins as one does, also one whose length nobody knows yet, as ffmpeg, sox and arecord write them;
or else raw samples, of which --rate, --format and --channels tell. The rows are those of `infer --rtype
ndjson`: the same options give the same rows as a file of the same sound.

A window is told of as soon as it is complete. Who writes into a pipe waits while it is heard, so nothing is
lost. With --realtime, and of a device always, nobody waits: where 30 s of sound wait to be heard, what comes
is lost, counted and said, and what follows is heard with its own times. A device that is unplugged is looked
for again, as is --input with --reconnect, with pauses of up to 30 s; times go on by the clock. The end of
standard input, Ctrl-C or SIGTERM end it: what is left is heard, and told.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import voice
from ..errors import ConfigError
from . import asking, exits, hearing, inlet, values

if TYPE_CHECKING:
    from ..live.reader import Came
    from ..runs.listening import Listening

HELP = "hear sound as it comes, from a pipe or a microphone"
EPILOG = """\
examples:
  arecord -f S16_LE -r 48000 -t raw | birdfast listen --rate 48000
  ffmpeg -loglevel error -i rtsp://camera/audio -f wav - | birdfast listen --realtime --began now
  nc -l 7000 | birdfast listen --rate 32000 --format f32 -o results/
  birdfast listen --device --clips heard/ --min-conf 0.6
  birdfast listen --input /run/pond.fifo --reconnect -o pond.ndjson --append
"""
OF_CLIPS = ("clips_most", "clips_context", "clips_format")
SUFFIXES = (".ndjson", ".jsonl")
OTHER_TABLES = (".csv", ".tsv", ".txt", ".json", ".parquet")  # no folder is meant by such a name
MOST_CONTEXT_S = 60  # of sound that is held in memory
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    inlet.arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=values.file,
        metavar="PATH",
        help="a file .ndjson, or a folder for a detections.ndjson: rows are written there as they come, not"
        " printed",
    )
    parser.add_argument("--append", action="store_true", help="with -o: go on behind what such a file has")
    clips = parser.add_argument_group("clips")
    clips.add_argument("--clips", type=values.folder, metavar="DIR", help="keep clips of what is heard")
    clips.add_argument(
        "--clips-most",
        type=values.positive,
        metavar="N",
        help="at most N a species, and a model, the first ones (default: 10)",
    )
    clips.add_argument(
        "--clips-context",
        type=_context,
        metavar="S",
        help=f"seconds before and behind a detection, at most {MOST_CONTEXT_S} (default: 0)",
    )
    clips.add_argument("--clips-format", choices=("wav", "flac", "ogg"), help="(default: wav)")
    hearing.arguments(parser)
    parser.add_argument("--quiet", action="store_true", help="say errors only")


def run(chosen: argparse.Namespace) -> int:
    """Listen to the end, and return the exit code."""
    from ..live.reader import Reader
    from ..runs.listening import Listening

    say: Callable[[str], object] = (lambda line: None) if chosen.quiet else voice.say
    warn = partial(voice.say, style="bad")
    _check(chosen)
    source, models = inlet.source(chosen), values.listening(chosen)
    name = inlet.name(chosen, source)
    options, question = hearing.options(chosen), asking.question(chosen)
    with ExitStack() as stack:
        write = stack.enter_context(_output(chosen, warn))
        keep = stack.enter_context(_keepsakes(chosen))
        listening = Listening(models, options, question, name, inlet.began(chosen), say, warn)
        say(f"{hearing.titles(models)}; listening to {source.name}")
        drops, again = chosen.realtime or not source.waits, chosen.reconnect or not source.waits
        reader = Reader(source, drops=drops, again=again)
        with _stopping(reader.stop) as stops:
            for rows in listening.hear(_said(inlet.told(chosen, source, reader), say), keep):
                if rows:
                    write("".join(map(listening.lines.line, rows)))
    if keep is not None and keep.why:
        warn(keep.why)
        listening.has_failed = True
    code = _ended(listening, reader.lost_s, source.n_overflows, say)
    return exits.BY_SIGNAL + stops[0] if stops else code


def _check(chosen: argparse.Namespace) -> None:
    """Refuse options that do nothing without another."""
    if chosen.append and chosen.output is None:
        raise ConfigError("--append goes on behind a file: it goes with -o")
    for name in OF_CLIPS:
        if getattr(chosen, name) is not None and chosen.clips is None:
            raise ConfigError(f"--{name.replace('_', '-')} is of clips: it goes with --clips")


@contextmanager
def _output(chosen: argparse.Namespace, warn: Callable[[str], object]) -> Iterator[Callable[[str], None]]:
    """Lend what takes lines: standard output, or a file that has them as they come."""
    from ..runs.linefile import LineFile

    if chosen.output is None:
        yield voice.data
        return
    path = chosen.output
    if path.suffix.lower() in OTHER_TABLES and not path.is_dir():
        raise ConfigError(
            f"--output {path}: rows are NDJSON, in a file {' or '.join(SUFFIXES)} or in a folder"
        )
    if path.suffix not in SUFFIXES:
        path = path / "detections.ndjson"
    with LineFile(path, append=chosen.append) as file:
        if file.is_torn:
            warn(f"{path}: its last line was cut off before; it stays, and rows go on in lines of their own")
        yield file.write


def _context(text: str) -> float:
    """Read seconds, of which memory holds few."""
    number = values.real(text)
    if not 0 <= number <= MOST_CONTEXT_S:
        raise argparse.ArgumentTypeError(f"{text!r} is none of 0 to {MOST_CONTEXT_S} s")
    return number


def _said(came: Iterable[str | Came], say: Callable[[str], object]) -> Iterator[Came]:
    """Yield what comes, and say what is told of it."""
    for what in came:
        if isinstance(what, str):
            say(what)
        else:
            yield what


def _keepsakes(chosen: argparse.Namespace) -> Any:
    from ..runs.clips import Cut
    from ..runs.keepsakes import MOST, Keepsakes

    if chosen.clips is None:
        return nullcontext()
    cut = Cut(chosen.clips_context or 0.0, 0.0, chosen.clips_format or "wav")
    return Keepsakes(chosen.clips, chosen.clips_most or MOST, cut)


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Let the first signal end the sound, so that what is left is heard; the second one kills."""
    came = list[int]()

    def take(number: int, _: object) -> None:
        came.append(number)
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        stop()

    heard = [number for number in STOPS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, take) for number in heard}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(listening: Listening, lost_s: float, n_overflows: int, say: Callable[[str], object]) -> int:
    """Say how it went, and return the exit code."""
    from ..words import counted, lasting

    what = f"{counted(listening.n_rows, 'detection')} of {len(listening.species):,} species"
    say(f"heard {lasting(listening.heard_s)}: {what}")
    if lost_s:
        voice.say(f"lost {lasting(lost_s)} of sound: it came faster than it was heard", style="bad")
    if n_overflows:
        voice.say(f"the system lost sound {counted(n_overflows, 'time')} before it came here", style="bad")
    if listening.n_amiss:
        windows = counted(listening.n_amiss, "window")
        voice.say(f"nothing is told of {windows}: the network's scores are not finite", style="bad")
    if not listening.heard_s:
        return exits.NONE_WORKED
    return exits.SOME_FAILED if lost_s or n_overflows or listening.has_failed else exits.FINE
