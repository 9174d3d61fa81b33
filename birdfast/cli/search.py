"""Find the windows of a run that sound most like a query: the nearest ones by their embeddings.

RESULTS is the output folder of `birdfast infer --rtype embeddings`. QUERY is a recording of what is looked
for, or --start and --length say which part of one; it goes through the run's own model, with the run's own
options. Every embedding that was kept is compared with each window of the query, and the nearest one
counts. Those found are printed, and with -o written as a CSV.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import exits, values

HELP = "find windows that sound like a query"
EPILOG = """\
examples:
  birdfast infer day/ -o results/ --rtype csv embeddings
  birdfast search results/ call.wav -n 20 -o like-it.csv
  birdfast search results/ day/dawn.wav --start 12 --length 3
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "results", type=values.folder, metavar="RESULTS", help="a run that kept its embeddings"
    )
    parser.add_argument("query", type=values.file, metavar="QUERY", help="an audio file")
    parser.add_argument("-o", "--output", type=values.file, metavar="CSV", help="where they are listed")
    parser.add_argument(
        "-n",
        "--most",
        type=values.positive,
        default=10,
        metavar="N",
        help="how many windows (default: %(default)s)",
    )
    parser.add_argument(
        "--by",
        choices=("cosine", "euclidean"),
        default="cosine",
        help="the cosine of the angle between embeddings, or their distance (default: %(default)s)",
    )
    parser.add_argument(
        "--start",
        type=values.real,
        default=0.0,
        metavar="S",
        help="first second of the query (default: %(default)g)",
    )
    parser.add_argument("--length", type=values.real, metavar="S", help="its seconds (default: to its end)")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="the run's model: of several the one that is meant, and of a file or folder its place (default:"
        " by the name of the run's only one)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Search, and print what was found."""
    from .. import atomicfile
    from ..errors import AudioError, ConfigError
    from ..runs import search
    from ..tables import escaped

    if not 0 <= chosen.start < float("inf") or not 0 < (chosen.length or 1) < float("inf"):
        raise ConfigError("--start and --length take seconds, from 0 on and above 0")
    if chosen.output is not None:
        atomicfile.check_apart(chosen.output, chosen.query)
        atomicfile.check(chosen.output)
    model = search.of_run(chosen.results, chosen.model)
    options = search.options_of(chosen.results)
    try:
        wanted = search.query(Path(chosen.query), model, options, chosen.start, chosen.length)
    except AudioError as error:
        raise ConfigError(str(error)) from error
    found = search.search(chosen.results, wanted, model.name, chosen.most, chosen.by)
    if chosen.output is not None:
        search.write(chosen.output, found, model.name, chosen.by)
        voice.say(f"written: {chosen.output}")
    voice.answer(
        f"{chosen.by:>9}  {'start':>9}  {'end':>9}  file",
        *(
            f"{one.nearness:9.4f}  {one.start_s:9.2f}  {one.end_s:9.2f}  {escaped(one.file)}"
            f"{f', channel {one.channel}' if one.channel else ''}"
            for one in found
        ),
    )
    return exits.FINE
