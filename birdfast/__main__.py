"""The command line: `python -m birdfast COMMAND`."""

from __future__ import annotations

from . import children

children.collect_seldom()
children.leave_working_folder()  # or the imports below might find in it what strangers left there

import argparse
import errno
import re
import signal
import sys
from collections.abc import Sequence
from time import monotonic
from typing import Any, NoReturn

from . import commandline, voice
from ._version import __version__
from .cli import COMMANDS, GO_ON, exits, flags, values
from .errors import FEW_FILES, TOO_MANY_OPEN, BirdfastError, OutputError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
# The loader's words for a library that finds no room in memory, among others.
UNMAPPED = ("cannot allocate memory", "failed to map segment")
WHY_UNMAPPED = "too little memory (ulimit -v says what is allowed), or libraries on a disk mounted noexec"
UNLISTED = "PackageNotFoundError"  # importlib.metadata takes a folder that it cannot list for an empty one
# Of a library that found no memory for its own error.
SILENT = ("error return without exception set", "returned NULL without setting an exception")
NO_THREAD = "can't start new thread"
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

ABOUT = """\
Find birds and other animals in sound recordings, on ordinary CPUs.
Each command explains itself, as in: birdfast infer --help
"""

EPILOG = """\
examples:
  python -m birdfast infer recordings/ -o results/      what is heard in a folder of recordings
  python -m birdfast infer night.flac --min-conf 0.5    only what is rather certain
  python -m birdfast models                             which networks are here, and their licences

environment:
  BIRDFAST_MODELS  folders in which --model finds a model by its folder's name, before those of the user's
                   data; several with a colon between them (a semicolon on Windows)
  BIRDFAST_CACHE   the folder in which rewritten networks are kept, so that they open at once; on a cluster
                   one that all nodes see and nobody else writes

exit codes:
""" + "".join(f"  {code:<5} {meaning}\n" for code, meaning in exits.MEANINGS.items())


class Stopped(SystemExit):
    """The end that a signal asks for, with its exit code."""

    code: int


class Parser(argparse.ArgumentParser):
    """A parser that ends with the exit code of sysexits.h for wrong usage."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        # What begins with a minus and is a value all the same: numbers, and zones west of Greenwich.
        self._negative_number_matcher = re.compile(r"-(\d+(:\d\d)?|\d*\.\d+)$")

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Refuse what a command does not know with its own usage, not that of all commands."""
        known, rest = super().parse_known_args(args, namespace)
        if len(rest) == 1 and not rest[0].startswith("-"):
            # Of two words with an option between them argparse has filled what may be left out with nothing.
            for action in self._get_positional_actions():
                if rest and action.nargs == argparse.OPTIONAL and getattr(known, action.dest) is None:
                    setattr(known, action.dest, self._get_value(action, rest.pop()))
        if rest:
            guesses = [flags.guess(self, word) for word in rest if word.startswith("-")]
            told = "".join(f"; {guess}" for guess in dict.fromkeys(guesses) if guess)
            self.error(f"unrecognized arguments: {' '.join(rest)}{told}")
        return known, rest

    def _check_value(self, action, value):  # type: ignore[no-untyped-def]
        """Refuse a command that there is not, and say which it may have meant."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            self.error(f"{value!r} is no command; {flags.guess_command(value, action.choices)}")
        super()._check_value(action, value)

    def _print_message(self, message, file=None):  # type: ignore[no-untyped-def]
        """Write without argparse's own opinion of streams that fail."""
        if message:
            (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and leave."""
        self.print_usage(sys.stderr)
        voice.say(f"{self.prog}: {message}")
        self.exit(exits.USAGE)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    began = monotonic()
    voice.prepare()
    try:
        try:
            given = sys.argv[1:] if arguments is None else arguments
            return _run(_parser(given).parse_args(given), began, given)
        finally:
            sys.stdout.flush()  # here, where an error can be told
    except BrokenPipeError:
        voice.silence(voice.OUT, voice.ERR)
        return exits.NOBODY_READS
    except OutputError as error:
        voice.say(f"birdfast: {error}", style="bad")
        voice.silence(voice.OUT, voice.ERR)
        return exits.OUTPUT
    except (MemoryError, ImportError, OSError, RuntimeError, SystemError) as error:
        return _refused(error)


def _run(chosen: argparse.Namespace, began: float, given: Sequence[str]) -> int:
    chosen.began = began
    for number in STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup and a shell's & leave them
            signal.signal(number, _stop)
    try:
        return int(chosen.run(chosen))
    except OutputError as error:
        voice.say(f"birdfast: {error}", style="bad")
        return exits.OUTPUT
    except BirdfastError as error:
        voice.say(f"birdfast: {error}", style="bad")
        return exits.UNAVAILABLE if error.is_unavailable else exits.USAGE
    except (KeyboardInterrupt, Stopped) as end:
        code = end.code if isinstance(end, Stopped) else exits.INTERRUPTED
        name = signal.Signals(code - exits.BY_SIGNAL).name
        how = "interrupted" if code == exits.INTERRUPTED else f"stopped ({name})"
        _say_what_next(how, chosen, given)
        return code


def _refused(error: Exception) -> int:
    """Say in words what the machine does not allow, and return the exit code; all else is raised."""
    if isinstance(error, OSError) and error.strerror is not None:
        return _refused_by_system(error)
    said = str(error).strip().rpartition("\n")[-1]  # NumPy's reason is its last line
    is_silent = isinstance(error, SystemError) and any(words in said for words in SILENT)
    if isinstance(error, ImportError | OSError) and any(words in said.lower() for words in UNMAPPED):
        voice.say(f"birdfast: {said}; {WHY_UNMAPPED}")
    elif isinstance(error, MemoryError) or is_silent:
        voice.say("birdfast: too little memory; give it more (ulimit -v says what is allowed)")
    elif isinstance(error, ImportError) and type(error).__name__ == UNLISTED:
        voice.say(f"birdfast: {said}; too little memory (ulimit -v says what is allowed), or it is not whole")
    elif isinstance(error, RuntimeError) and NO_THREAD in said:
        voice.say("birdfast: no thread can be started; allow more, or more memory (ulimit -u, ulimit -v)")
    else:
        raise error
    return exits.USAGE


def _refused_by_system(error: OSError) -> int:
    if error.errno in TOO_MANY_OPEN:
        voice.say(f"birdfast: {FEW_FILES}")
        return exits.USAGE
    is_full = error.errno in NO_ROOM
    where = f"{error.filename}: " if error.filename else "the output: " if is_full else ""
    what = "cannot be written" if is_full else "the system refuses what is asked of it"
    voice.say(f"birdfast: {where}{what} ({error.strerror})")
    return exits.OUTPUT


def _say_what_next(how: str, chosen: argparse.Namespace, given: Sequence[str]) -> None:
    """Say what the same command does after an end from outside."""
    if not chosen.goes_on:
        voice.say(f"birdfast: {how}; the same command begins anew")
        return
    goes_on = "the same command goes on" + (", without --force" if chosen.force else "")
    command = commandline.again(given)
    voice.say(f"birdfast: {how}; {goes_on}{command and ':'}")
    if command:
        voice.say(f"    {command}", style="command")


def _stop(number: int, _: object) -> NoReturn:
    """Leave in good order: what a cluster, a closed terminal or Ctrl-C sends. The second one kills."""
    for stop in STOPS:
        if signal.getsignal(stop) == _stop:
            signal.signal(stop, signal.SIG_DFL)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped(exits.BY_SIGNAL + number)


def _parser(given: Sequence[str] = ()) -> Parser:
    """Return the parser of all commands, or of the one that is given: the others need not be known then."""
    parser = Parser(
        prog="birdfast",
        description=ABOUT,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,  # it stands behind the commands
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name in given[:1] if given[:1] and given[0] in COMMANDS else COMMANDS:
        command = COMMANDS[name]
        sub = commands.add_parser(
            name,
            aliases=getattr(command, "ALIASES", ()),
            help=command.HELP,
            description=command.__doc__,
            epilog=getattr(command, "EPILOG", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        text = values.text if getattr(command, "HEARS_URLS", False) else values.here
        sub.register("type", None, text)  # of all arguments that name no other
        command.arguments(sub)
        sub.set_defaults(run=command.run, goes_on=name in GO_ON)
    options = parser.add_argument_group("options")
    options.add_argument("-h", "--help", action="help", help="show this help message and exit")
    options.add_argument(
        "--version", action="version", version=f"birdfast {__version__}", help="show the version"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
