"""Join the results of all shards of a run into one set of tables.

The folders are those of `birdfast infer --shard 1/n` to `n/n`; all have to be there, finished, and
of the same model and options. The tables are the same as one run over all files writes; scores and
embeddings can be had if the runs kept them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from .output import output_folder, telling

if TYPE_CHECKING:
    from ..journal import Entry, Record
    from ..tables.table import Result

HELP = "join the shards of a run into one table"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("parts", nargs="+", metavar="OUT", help="the output folder of each shard")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="where the tables go")
    parser.add_argument(
        "--rtype",
        default="csv",
        metavar="KINDS",
        help="kinds of table, joined by commas: csv, parquet, scores, embeddings (default: %(default)s)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Check that nothing is missing, and write the tables."""
    from .. import tables
    from ..errors import ConfigError
    from ..journal import Record, total
    from .infer import about, kinds_of

    kinds = kinds_of(chosen.rtype)
    output = output_folder(chosen.output)
    tables.check_places(output, kinds)
    with telling(output), ExitStack() as stack:
        records = [stack.enter_context(Record(Path(part))) for part in chosen.parts]
        _check(records)
        run = about(records[0])
        for kind in tables.DENSE:
            if kind in kinds and kind not in run.widths:
                raise ConfigError(
                    f"{records[0].path}: that run kept no {kind}; infer has to be told --rtype {kind}"
                )
        for path in tables.write_all(output, kinds, run, _results(records, run.widths)):
            print(f"written: {path}")
        return total([record.standing() for record in records]).exit_code


def _check(records: Sequence[Record]) -> None:
    """Refuse parts that are not one whole run."""
    from ..errors import ConfigError
    from ..journal import compare
    from ..runs import shards

    first = records[0].facts()
    for record in records:
        facts = record.facts()
        if "shard" not in facts:
            raise ConfigError(f"{record.path}: not of a run with --shard")
        compare(record.path, first, {**facts, "shard": first.get("shard", "")})
        if waiting := record.standing().waiting:
            raise ConfigError(f"{record.path}: {waiting} files are still to do; finish that run first")
    shards.check_all([shards.parse(record.facts()["shard"]) for record in records])


def _results(records: Sequence[Record], widths: Mapping[str, int]) -> Iterator[Result]:
    """Yield the files of all parts in the order of the whole run."""
    import heapq

    from ..errors import ConfigError
    from .infer import result

    names = records[0].names()
    wanted = int(records[0].facts()["inputs"].split()[0])
    parts = [_placed(record, place) for place, record in enumerate(records)]
    found = -1
    for found, (number, place, entry) in enumerate(heapq.merge(*parts, key=lambda part: part[0])):
        if number != found:
            raise ConfigError(f"{records[place].path}: damaged (file {found} of the run is in no part)")
        yield result(records[place], entry, names, widths)
    if found + 1 != wanted:
        raise ConfigError(f"{records[0].path}: damaged ({found + 1} of {wanted} files are there)")


def _placed(record: Record, place: int) -> Iterator[tuple[int, int, Entry]]:
    for number, entry in record.entries():
        yield number, place, entry
