"""What `infer` says at its end: what was heard, which files failed and why, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import commandline, voice
from ..words import counted, fitted, width

if TYPE_CHECKING:
    from ..outcomes import Failure
    from ..runs import Results
    from ..runs.progress import Progress
    from ..runs.tally import Species, Tally

TOP = 10
LOW = 0.1  # a confidence to ask for, where nothing was heard
MARGIN_S = 3.0  # of sound on both sides of what a picture is proposed of


def say(progress: Progress, results: Results, models: Sequence[str], least: float | None) -> None:
    """Say how a run went, of models by these names, where this confidence at least was asked for."""
    from ..runs.progress import of_each
    from ..tables import NotesTable

    standing, tally = results.standing, results.tally
    for line in progress.summary() if standing.files else ():  # a share may have none
        progress.say(line)
    if progress.n_files < standing.files:
        told = f"{counted(standing.detections, 'detection')}, {counted(standing.failed, 'failure')}"
        progress.say(f"in all {told}")
        for line in of_each(models, [one.detections for one in results.standings]):
            progress.say(line)
    heading, *rows = heard(tally, models, voice.columns(sys.stderr))
    progress.say(heading, "heading")
    for row in rows:
        progress.say(row)
    for line in failed(tally, models, results.folder):
        progress.say(line, "bad")
    if noted := {note.path for note in results.notes}:
        progress.say(f"{counted(len(noted), 'file')} noted: see {results.folder / NotesTable.name}")
    if n_more := results.n_left_out:
        progress.say(_left_out(n_more))
    progress.say(f"written: {', '.join(map(str, results.tables))}")
    for purpose, command in _next(results, LOW if least is None or least > LOW else None):
        progress.say(f"{purpose}:", "quiet")
        progress.say(f"    {command}", "command")


def told(failure: Failure, models: Sequence[str]) -> str:
    """Return why a file failed; of several models, whom it failed for."""
    whose = f"{failure.path}, {failure.model}: " if failure.model and len(models) > 1 else ""
    return f"{whose}{failure.message}"


def heard(tally: Tally, models: Sequence[str], columns: int | None) -> Iterator[str]:
    """Yield how many species were heard, and a table of those heard most often that fits the columns."""
    from ..runs.tally import in_words

    species = tally.species
    names = {(one.best.scientific_name, one.best.common_name) for one in species}
    if not species:
        yield "no species heard"
        return
    most = ", those most often:" if len(species) > TOP else ":"
    yield f"{in_words(names)} heard{most}"
    named = [_name(one, models) for one in species[:TOP]]
    numbers = [f"{one.n_detections:>10,}  {one.best.confidence:>7.2f}" for one in species[:TOP]]
    taken = 4 + 2 + max(map(len, numbers))
    room = max(map(width, named)) if columns is None else min(max(map(width, named)), columns - taken)
    room = max(room, width("species"))
    rows = [("species", f"{'detections':>10}  {'surest':>7}"), *zip(named, numbers, strict=True)]
    for name, figures in rows:
        yield f"    {fitted(name, room)}  {figures}"


def failed(tally: Tally, models: Sequence[str], folder: Path) -> Iterator[str]:
    """Yield how many files failed in each way, with the first of them by name and why."""
    from ..tables import FailuresTable, escaped

    for how, (n, first) in tally.failures.items():
        named = [f"{escaped(Path(one.path).name)} ({_why(one, models)})" for one in first]
        more = n - len({one.path for one in first})
        rest = f", and {more:,} more" if more else ""
        yield f"{counted(n, 'file')} {how}: {', '.join(named)}{rest}; see {folder / FailuresTable.name}"


def _why(failure: Failure, models: Sequence[str]) -> str:
    whose = f"{failure.model}: " if failure.model and len(models) > 1 else ""
    return whose + failure.message.removeprefix(f"{failure.path}: ")


def _name(one: Species, models: Sequence[str]) -> str:
    from ..tables import escaped

    row = one.best
    name = row.common_name
    if row.scientific_name != name:
        name = f"{name} ({row.scientific_name})"
    return voice.shown(escaped(f"{name}, {row.model}" if len(models) > 1 else name))


def _left_out(n_more: int) -> str:
    them = "name it too and it comes" if n_more == 1 else "name them too and they come"
    told = f"left out of the tables: {counted(n_more, 'file')} of earlier runs, not among these INPUTs"
    return f"{told}; {them} back at no cost"


def _next(results: Results, lower: float | None) -> Iterator[tuple[str, str]]:
    """Yield commands that come next, each behind what it is for; `lower` is another least confidence."""
    from ..journal.whereis import SHARE
    from ..sources import stores

    folder, surest = results.folder, results.tally.surest
    if SHARE.fullmatch(folder.name):
        joins = commandline.proposed("merge", folder.parent, "-o", folder.parent / "whole")
        yield "join all shares, when the last is through", joins
    if surest is None:
        if lower is not None and results.standing.audio_s:
            less = commandline.proposed("tables", folder, "--min-conf", lower)
            yield "ask for less certain ones, at no cost", less
        return
    if stores.is_url(surest.file):
        there = commandline.proposed("clips", folder, "--audio", "FOLDER", "-o", folder / "clips")
        yield "listen to the best of each species, once recordings are fetched into FOLDER", there
        return
    yield "look at all of it, and listen", commandline.proposed("report", folder)
    first_s = max(0.0, surest.start_s - MARGIN_S)
    length_s = surest.end_s + MARGIN_S - first_s
    part = ("--start", f"{first_s:g}", "--length", f"{length_s:g}")
    yield "look at the surest", commandline.proposed("plot", surest.file, folder, *part)
    yield "listen to the best of each species", commandline.proposed("clips", folder, "-o", folder / "clips")
