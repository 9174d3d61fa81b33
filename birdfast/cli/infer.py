"""Find the species in recordings, and write them to tables.

INPUT is audio files, folders (searched for audio files, with all below them, each folder once) or
.txt files that list paths, one a line, seen from the folder you are in; a recorder's CONFIG.TXT is passed
over. A file counts once, whatever names lead to it. The results go to the output folder:

  detections.csv      what was heard: seconds, names, confidence, file (as BirdNET-Analyzer has it)
  detections.parquet  the same with full precision and the run's settings, with --rtype parquet
  BirdNET_*, wide.csv, detections.*   what other programs read: --rtype raven, audacity, wide, sqlite, ...
  scores.parquet      every window's confidences of all classes, as a list, with --rtype scores
  embeddings.parquet  every window's embedding, as a list, with --rtype embeddings
  submission.csv      a row for every 5 s of every file, whatever happens, with --rtype submission
  failures.csv        the files that could not be analysed to their end, and why; empty if none

  journal.sqlite      what is done: the same command goes on where a run was interrupted
  notes.csv           what is to be known of files that were heard, if anything is: repaired, lost inside,
                      read by another decoder, or a mix that is much quieter than its channels

With --model given repeatedly all models hear the sound in one pass: a recording is decoded once. Then
detections.csv says in a column who heard what, failures.csv whom a file failed for, and scores and
embeddings are a file for each model (scores-NAME.parquet, with the name in `birdfast models`, in a model's
model.toml, or of its file). An option such as --sensitivity has to fit every one of them.

A model that birdfast trained has a threshold for each class, which is taken without --min-conf; its class for
background, if it has one, is among the scores alone.
What was heard in the readable parts of a file that failed is kept. The tables appear when the run is
complete, and are the same whether it was interrupted or not. Names and labels stand in CSV tables as they
are, so a spreadsheet may run one as a formula: see --csv-safe. A folder takes runs of the same models, sound
and windows; a file that has changed since is analysed again, and the command says so. What is asked of the
scores may be another each time (scores, species and place, time and site, rows, tables): it is answered from
what the journal keeps, at no cost, or refused in words; see --keep-scores. A submission, with other --blend,
--post or --classes, wants all scores kept, as those do that made one. A file of a table's name in a folder
without a journal is somebody else's, and refused.

The tables are of the INPUTs of the last command alone: give those of before, too (a second memory card beside
the first), and they come back from the journal at no cost; how many were left out is said. In failures.csv
duration_s is what a file's header promises, however much of it could be heard; empty where it promises none.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ConfigError
from . import asking, ending, exits, flags, hearing, kinds, requeue, share, submission, values

if TYPE_CHECKING:
    from pathlib import Path

    from ..runs import How
    from ..runs.leaving import Leave

HELP = "find the species in recordings"
ALIASES = (kinds.ANALYZE,)
HEARS_URLS = True
EPILOG = """\
examples:
  birdfast infer recordings/ -o results/ --min-conf 0.5
  birdfast infer recordings/ -o results/ --rtype raven audacity --per-file
  birdfast infer recordings/ -o results/ --lat 52.5 --lon 13.4 --slist wanted.txt -l de
  birdfast infer night.flac --overlap 1.5 --merge-consecutive 5 --top-n 3
  birdfast infer bats/ -o bats-results/ --model FILE --audio-speed 0.1 --fmin 2000
  birdfast analyze --i day/ --o out/ --rtype csv --threads 4      as scripts for BirdNET-Analyzer have it

The flags of BirdNET-Analyzer 1 to 3 are taken, though they do not stand here: docs/switching.md lists them.
"""
DEFAULT_OUTPUT = "birdfast-results"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="audio files, folders, .txt lists of paths, or URLs"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=_place,
        default=DEFAULT_OUTPUT,
        metavar="DIR",
        help="where the tables go: a folder, or a URL of a bucket, s3://birds/results (default: %(default)s)",
    )
    hearing.arguments(parser)
    table = parser.add_argument_group("tables")
    kinds.arguments(table)
    values.per_file(table)
    values.csv_safe(table)
    submission.arguments(parser)
    parser.add_argument(
        "--workers",
        type=values.positive,
        metavar="N",
        help="worker processes (default: the physical cores that may be used)",
    )
    share.arguments(parser)
    values.scratch(parser)
    values.cluster(parser)
    trouble = parser.add_argument_group("trouble")
    values.max_hours(trouble, "has failed there, and what lies before is kept")
    trouble.add_argument(
        "--fail-fast",
        action="store_true",
        help="stop at the first file that fails, and at those that failed before: failures.csv names them",
    )
    trouble.add_argument(
        "--file-timeout",
        type=values.seconds,
        metavar="S",
        help="seconds, 2 or more, that a worker may be silent at a file before it is stopped; one that works"
        " speaks each second, but not on its way into a long MP3 (default: 300, and 10 for each MB)",
    )
    requeue.argument(trouble)
    again = parser.add_argument_group("an output folder that was used before")
    again.add_argument(
        "--keep-scores",
        choices=("best", "all", "none"),
        help="which scores of every window are kept, so that another question needs no hearing: those from"
        " 0.001 on and the best 20, all, or what this question asks for (default: as before, else best)",
    )
    again.add_argument("--retry", action="store_true", help="analyse those files again that failed")
    again.add_argument("--force", action="store_true", help="start anew: journal and tables go first")
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="print errors only")
    talk.add_argument(
        "--progress", action="store_true", default=None, help="a progress bar, even if this is no terminal"
    )
    flags.accept(parser)


def run(chosen: argparse.Namespace) -> int:
    """Analyse the recordings and return the exit code."""
    from .. import children

    children.compute_nothing()
    chosen.inputs += chosen.more
    if not chosen.inputs:
        raise ConfigError("INPUT is missing: an audio file, a folder, or a .txt list of paths")
    share.settle(chosen)
    return requeue.ran(chosen, _run if chosen.cluster else _awake)


def _place(given: str) -> Path | str:
    """Read the name of a folder, or a URL of one that outlasts this process."""
    if given.lower().startswith("memory://"):
        raise argparse.ArgumentTypeError(f"{given!r} ends with the command; it takes a folder, or a bucket")
    return given if "://" in given else values.folder(given)


def _awake(chosen: argparse.Namespace, leave: Leave | None) -> int:
    from ..workers import begun

    with begun.ahead(chosen.output, chosen.inputs, chosen.workers):  # they wake up while this process does
        return _run(chosen, leave)


def _run(chosen: argparse.Namespace, leave: Leave | None) -> int:
    from .. import inputs
    from ..runs import Run, storing
    from ..runs.progress import Progress
    from ..sources import tries
    from ..words import counted
    from ..workers.executor import opened

    listening = values.listening(chosen)
    names = [model.name for model in listening]
    shown = {"bar": chosen.progress, "quiet": chosen.quiet, "by_shares": bool(chosen.cluster)}
    progress = Progress(chosen.began, models=names, **shown)
    tries.tell(progress.say)
    chosen.per_file, said = kinds.for_each_file(chosen)
    for line in (*flags.remarks(chosen), *filter(None, [said, chosen.share_said])):
        progress.say(line)
    if chosen.share_warned:
        progress.warn(chosen.share_warned)
    paths = inputs.find(chosen.inputs, progress.say)
    how_heard = hearing.options(chosen, max_hours=chosen.max_hours)
    with storing.working(chosen.output, listening, chosen.force, progress.say, progress.warn) as place:
        chosen.output = place.folder  # of a URL's results, where the run is at work
        with opened(chosen.cluster) as cluster:
            how = dataclasses.replace(_how(chosen, paths), cluster=cluster)
            run = Run(paths, listening, how_heard, place.folder, how, asking.question(chosen))
            progress.say(f"{hearing.titles(listening)}; {counted(len(paths), 'file')}")
            results = place.work(run, progress, leave=leave)
        if results.stopped is not None:
            progress.warn(ending.told(results.stopped, names))
            progress.warn("stopped, as --fail-fast says")
            return exits.SOME_FAILED
        ending.say(progress, results, names, chosen.min_conf)
        return exits.of_run(results.standing)


def _how(chosen: argparse.Namespace, paths: Sequence[str]) -> How:
    from .. import inputs
    from ..runs import How

    wanted = kinds.wanted(chosen)
    return How(
        kinds=wanted,
        shard=chosen.shard,
        n_workers=chosen.workers,
        file_timeout_s=chosen.file_timeout,
        force=chosen.force,
        retry=chosen.retry,
        fail_fast=chosen.fail_fast,
        csv_safe=chosen.csv_safe,
        per_file=chosen.per_file,
        keep_scores=chosen.keep_scores,
        base=inputs.base(chosen.inputs, paths),
        submission=submission.of(chosen, wanted),
        scratch=values.scratched(chosen),
    )
