"""Flags of other tools: the one table of what each becomes here, or why not.

From it come hidden options of the parser (`accept`), what is said of them (`remarks`), what an unknown option
may have meant (`guess`), and docs/switching.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn

ANALYZER = "BirdNET-Analyzer"
INPUT = "--input"  # hidden: files are named by themselves
OLD = "1, 2"  # versions that write a table for each file, unless they are told to combine them
ALL, NEW = "1, 2, 3", "3"
COMBINE = "--combine_results"
ALIKE = 0.5  # how much of two names has to be the same for a guess


class Flag(NamedTuple):
    """A flag of another tool.

    It becomes `ours`; without, it needs nothing here, or is `refused`. `values` are what its values become.
    `words` tell what is to be known; `said`: at each run, where the flag means something else here.
    `takes`: as `nargs` of argparse; None is what ours takes. `meant`: not taken, but guessed. `undoes`: an
    option of ours that has its default again, as the last counts.
    """

    spellings: tuple[str, ...]
    versions: str = ALL
    ours: str = ""
    words: str = ""
    said: bool = False
    refused: str = ""
    values: Mapping[str | None, str] = {}
    takes: int | str | None = None
    tool: str = ANALYZER
    meant: bool = False
    undoes: str = ""


def flag(spellings: str, versions: str = ALL, ours: str = "", words: str = "", **more: Any) -> Flag:
    """Return a flag of the Analyzer's; its spellings with blanks between them."""
    return Flag(tuple(spellings.split()), versions, ours, words, **more)


def needless(spellings: str, versions: str, words: str, takes: int | None = None, undoes: str = "") -> Flag:
    """Return a flag that needs nothing here: `takes` 0 values, or None for one."""
    return Flag(tuple(spellings.split()), versions, words=words, said=True, takes=takes, undoes=undoes)


def _meant(tool: str, spellings: str, ours: str, words: str = "") -> Flag:
    return Flag(tuple(spellings.split()), "", ours, words, tool=tool, meant=True)


PERCH = "perch-2"
BIRDNETS: Mapping[str | None, str] = {None: "birdnet-2.4", "2.4": "birdnet-2.4"}

FLAGS = (
    flag("--i -i", OLD, INPUT),
    flag("-o --o --output", ALL, "--output", "a folder, always; version 1 takes a file's name, too"),
    flag("--rtype", ALL, "--rtype", "table is raven; several words, or joined by commas"),
    flag(
        "--min_conf", ALL, "--min-conf", "the Analyzer makes 0.99 of 1, here any number from 0 to 1 is taken"
    ),
    flag(
        "--top_n",
        "2, 3",
        "--top-n",
        "at most so many of those that reach --min-conf; the Analyzer takes as many whatever their"
        " confidence, as --min-conf 0 does",
        said=True,
    ),
    flag(
        "--sensitivity",
        ALL,
        "--sensitivity",
        "0.5 to 1.5; what lies outside is refused, not changed; in version 1 it is a slope, equal at 1",
    ),
    flag("--overlap", ALL, "--overlap", "seconds; as much as a window or more is refused, not changed"),
    flag("--fmin", "2, 3", "--fmin"),
    flag("--fmax", "2, 3", "--fmax", "above 15,000 Hz is refused, not changed"),
    flag("--audio_speed", "2, 3", "--audio-speed", "0.01 to 100"),
    flag("--slist", ALL, "--slist", "goes with --lat and --lon, too: what both name; the Analyzer drops it"),
    flag("--strict", NEW, "--strict"),
    flag("--lat", ALL, "--lat", "-1 with --lon -1 is none, as in 1 and 2"),
    flag("--lon", ALL, "--lon"),
    flag("--week", ALL, "--week", "-1 is the whole year; without it, that of each file's date"),
    flag("--sf_thresh", ALL, "--sf-thresh"),
    flag("-l --locale", ALL, "--locale"),
    flag("-c --classifier", ALL, "--model"),
    flag("--cc_species_list", NEW, "--labels"),
    flag("--use_perch", "2, 3", "--model", f"as --model {PERCH}", values={None: PERCH}, takes=0),
    flag(
        "--birdnet",
        NEW,
        "--model",
        "2.4 as --model birdnet-2.4, which is the default",
        values=BIRDNETS,
        takes="?",
        refused="birdfast knows BirdNET 2.4 by name; give another version's file to --model",
    ),
    flag("--merge_consecutive", "2, 3", "--merge-consecutive"),
    flag("--additional_columns", "2, 3", "--additional-columns"),
    flag("--split_tables", NEW, "--per-file"),
    needless("--no-split_tables", NEW, "one table of all files is the default", 0, "--per-file"),
    needless(COMBINE, OLD, "one table of all files is written, and none for each", 0),
    flag("-t --threads", OLD, "--workers"),
    flag("--n_workers", NEW, "--workers"),
    needless("--n_producers", NEW, "each worker reads for itself"),
    needless("-b --batchsize --batch_size", ALL, "birdfast batches by itself"),
    needless(
        "--skip_existing_results",
        OLD,
        "a folder's journal knows what is done: the same command goes on where it was stopped",
        0,
    ),
    needless("-v --verbose", NEW, "what is to be said is said", 0),
    flag("--quiet", NEW, "--quiet"),
    flag(
        "--load_params",
        NEW,
        takes=1,
        refused="options come from the command line; the same folder (-o) remembers those of its run",
    ),
    flag("--output_file", "1", takes=1, refused="tables have names of their own in the folder of --output"),
    _meant("HawkEars", "--min_score", "--min-conf"),
    _meant("HawkEars", "--include", "--slist"),
    _meant("HawkEars", "--filelist", "--deployments", "places and dates; the files are INPUT"),
    _meant("HawkEars", "--date", "--week", "each file's date comes from its name or header"),
    _meant("HawkEars", "--recurse", INPUT, "folders are searched with all below them"),
    _meant("birda", "--min-confidence", "--min-conf"),
    _meant("birda", "-f --format", "--rtype"),
    _meant("birda", "--output-dir", "--output"),
    _meant("birda", "-m --model-path", "--model"),
    _meant("birda", "--labels-path", "--labels"),
    _meant("birda", "--month --day", "--week"),
    _meant("birda", "--range-threshold", "--sf-thresh"),
    _meant("birda", "-q --no-progress", "--quiet"),
    _meant("birdnet", "--speed", "--audio-speed"),
)
COMMANDS = {  # of BirdNET-Analyzer and its packages
    "embeddings": "`birdfast infer --rtype embeddings`",
    "species": "`birdfast infer --lat --lon`, in the same run",
    "client": "a program's own: `birdfast.WarmPool`",
    "server": "a program's own: `birdfast.WarmPool`",
}


class _Old(argparse.Action):
    """An option that does what ours does, and remembers the flag that was given."""

    def __init__(
        self, option_strings: list[str], dest: str, row: Flag, known: Mapping[str, argparse.Action]
    ) -> None:
        ours, undone = known.get(row.ours), known.get(row.undoes)
        taken = ours.nargs if ours is not None and row.takes is None else row.takes
        reads = ours.type if ours is not None and not row.values else None
        how: dict[str, Any] = {"nargs": None if taken == 1 else taken, "type": reads}
        super().__init__(option_strings, argparse.SUPPRESS, help=argparse.SUPPRESS, **how)
        self._row, self._ours, self._undone = row, ours, undone

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        row, value = self._row, values
        if row.values:
            value = row.values.get(values or None)
        if row.refused and (value is None or not row.values):
            _refuse(parser, option_string or row.spellings[0], row.refused)
        namespace.old = [*getattr(namespace, "old", ()), (option_string, row)]
        if self._undone is not None:
            setattr(namespace, self._undone.dest, self._undone.default)
        if self._ours is not None:
            self._ours(parser, namespace, value, option_string)


def accept(parser: argparse.ArgumentParser, rows: Iterable[Flag] = FLAGS) -> None:
    """Let a parser that has declared its options take those of other tools, unseen in its help.

    A row whose own option the parser does not have is passed over.
    """
    known: dict[str, argparse.Action] = dict(parser._option_string_actions)
    for row in rows:
        ours = known.get(row.ours)
        new = [spelling for spelling in row.spellings if spelling not in known]
        if new and not row.meant and (ours is not None or not row.ours):
            parser.add_argument(*new, action=_Old, row=row, known=known)


def remarks(chosen: argparse.Namespace) -> Iterator[str]:
    """Yield what is to be said of other tools' flags that were given, once each."""
    told = set[tuple[str, ...]]()
    for spelling, row in getattr(chosen, "old", ()):
        if row.said and row.spellings not in told:
            told.add(row.spellings)
            yield f"{spelling}: {row.words}"


def per_file(chosen: argparse.Namespace) -> str:
    """Return the flag that only versions have which write a table for each file, "" where none was given."""
    given = {spelling: row for spelling, row in getattr(chosen, "old", ()) if row.versions == OLD}
    return "" if COMBINE in given else next(iter(given), "")


def guess(parser: argparse.ArgumentParser, given: str) -> str:
    """Return what an option that a parser does not know may have meant, in words, or ""."""
    name = given.partition("=")[0]
    seen = (action for action in parser._actions if action.help != argparse.SUPPRESS)
    shown = [spelling for action in seen for spelling in action.option_strings]
    for row in FLAGS:
        if row.meant and name in row.spellings and (row.ours in shown or _takes_files(parser, row.ours)):
            return f"did you mean {shown_as(row.ours)}{row.words and f' ({row.words})'}?"
    plain = {_plain(spelling): spelling for spelling in reversed(shown)}
    near = get_close_matches(_plain(name), plain, 1, ALIKE)
    return f"did you mean {plain[near[0]]}?" if near else ""


def guess_command(given: str, known: Iterable[str]) -> str:
    """Return what a command that there is not may have meant, in words, and what there is."""
    names = list(known)
    if given in COMMANDS:
        return f"here it is {COMMANDS[given]}"
    near = get_close_matches(_plain(given), names, 1)
    guess = f"did you mean {near[0]}? There" if near else "there"
    return f"{guess} are {', '.join(names)}"


def shown_as(ours: str) -> str:
    """Return how one of our options stands in the help."""
    return "INPUT" if ours == INPUT else ours


def _takes_files(parser: argparse.ArgumentParser, ours: str) -> bool:
    return ours == INPUT and any(action.metavar == "INPUT" for action in parser._actions)


def _plain(spelling: str) -> str:
    return spelling.lower().lstrip("-").replace("_", "-")


def _refuse(parser: argparse.ArgumentParser, spelling: str, why: str) -> NoReturn:
    parser.error(f"{spelling}: {why}")
