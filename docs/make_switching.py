"""Write docs/switching.md, from the one table of other tools' flags: `make switching`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from birdfast.cli.flags import ANALYZER, FLAGS, Flag, shown_as
from birdfast.cli.segments import FLAGS as OF_CLIPS
from birdfast.cli.segments import USUAL
from birdfast.config import MIN_CONFIDENCE, MOST_HZ, Options
from birdfast.runs.question import Question

BEFORE = f"""\
# Coming from BirdNET-Analyzer, HawkEars, birda or birdnet

Your scripts, your lists and your habits can stay. The tables below are made from the one that the command's
parser is made from (`birdfast/cli/flags.py`): `make switching` writes this page, and a test holds it to them.

## The same command

`birdfast analyze` is `birdfast infer` under the name that {ANALYZER} has for it, so that a script needs
another program's name alone: instead of `python -m birdnet_analyzer.analyze --i recordings/ ...`

```console
$ birdfast analyze --i recordings/ --o out/ --rtype csv --threads 2
...
$ ls out/birch
20260510_043000.BirdNET.results.csv
$ head -2 out/birch/20260510_043000.BirdNET.results.csv
Start (s),End (s),Scientific name,Common name,Confidence,File
0.0,3.0,Poecile atricapillus,Black-capped Chickadee,0.9692,recordings/birch/20260510_043000.flac
```

By that name two defaults are the Analyzer's: without `--rtype` a Raven table is written, where `infer`
writes CSV; and with a flag that only its versions 1 and 2 have (`--i`, `--threads`, ...) tables are
written for each file, as those do, unless `--combine_results` is given. A CSV of all files is called
BirdNET_CombinedTable.csv, where `infer` calls it detections.csv. `--rtype` (raven, combined) and
`--per-file` say so by any name.

## What is new

- A run keeps a journal: interrupted, it goes on by the same command ([Long runs](long-runs.md)).
- Another threshold, list or place costs no hearing ([Asking again](asking-again.md)).
- A file that cannot be read is a row in `failures.csv`, and the rest goes on.
- `--deployments` tells of many recorders where they stood ([Species, place and time](species-place-time.md)).

## Are the results the same?

`compare` reads the Analyzer's tables and puts two runs side by side: windows and species in both or in one,
and by how much confidences differ. Its exit code is 1 if they do.

```console
$ birdfast infer recordings/ -o results
...
$ birdfast compare results out
...
confidences differ by 0.0000 at most, 0.0000 in the middle
...
```

## {ANALYZER}: `analyze`

"Here" is what a flag becomes. What needs nothing is accepted, and said once in a run; what cannot be is
refused, by name. All spellings are accepted with `=` and with a space.

"""
OF_SEGMENTS = f"""\

## {ANALYZER}: `segments`

`birdfast segments INPUT -r RESULTS -o CLIPS` is `birdfast clips RESULTS -o CLIPS --audio INPUT` by the
Analyzer's name, with its defaults: at most {USUAL.most} clips a species, of {USUAL.length_s:g} s at least,
from a confidence of {USUAL.min_confidence:g} on.

| flag | versions | here | to be known |
|---|---|---|---|
"""
DEFAULTS = """\

### Defaults

| | the Analyzer | here |
|---|---|---|
"""
NUMBERS = f"""\

### Where numbers differ

At 48 kHz without overlap all tools hear the same samples, and confidences are the same within 0.001. At
other rates version 3 makes another rate window by window: `--resampler birdnet` does the same. Version 2
drops a last window of less than a second (`--tail min-1s`), version 3 and birdfast keep it.

`--merge_consecutive N` merges as the Analyzer does: windows of a species that touch or overlap, at most N,
with the mean of the three highest confidences. `--fmin` and `--fmax` filter each window with birdnet's own
filter (Butterworth, order 5), where they are not 0 and {MOST_HZ:,.0f}, as version 3 does; version 2 filters
a recording as a whole. `--audio_speed` 0.1 hears a recording of 384 kHz as one of 38.4 kHz; times in tables
are the recording's own.

## Words of other tools

These are not taken, but an unknown option says what it is called here.

"""


def page() -> Iterator[str]:
    """Yield the page's parts."""
    yield BEFORE
    yield "| flag | versions | here | to be known |\n|---|---|---|---|\n"
    for row in FLAGS:
        if not row.meant:
            yield _row(row)
    yield DEFAULTS
    for name, theirs, ours in _defaults():
        yield f"| `{name}` | {theirs} | {ours} |\n"
    yield NUMBERS
    yield "| tool | flag | here | to be known |\n|---|---|---|---|\n"
    for row in FLAGS:
        if row.meant:
            yield f"| {row.tool} | {_code(*row.spellings)} | `{shown_as(row.ours)}` | {row.words} |\n"
    yield OF_SEGMENTS
    yield from map(_row, OF_CLIPS)


def _row(row: Flag) -> str:
    return f"| {_code(*row.spellings)} | {row.versions} | {_here(row)} | {_known(row)} |\n"


def _defaults() -> Iterator[tuple[str, str, str]]:
    asked = Question()
    trained = "; of a trained model its own thresholds"
    yield "--min_conf", "0.25 (0.1 in version 1)", f"{MIN_CONFIDENCE:g}{trained}"
    yield "--overlap", "0", "0; of some networks their own"
    yield "--sensitivity", "1", f"{Options.sensitivity:g}"
    yield "--sf_thresh", "0.03", f"{asked.place_threshold:g}"
    yield "--week", "the whole year", "that of each file's date, else the whole year"
    yield "--fmin, --fmax", "0, 15000", f"{Options.fmin_hz:g}, {Options.fmax_hz:g}"
    yield "--audio_speed", "1", f"{Options.speed:g}"
    yield "--merge_consecutive", "1", f"{asked.merge_consecutive}"
    yield "--rtype", "table", "csv; raven, which is table, by the name `analyze`"
    yield "--locale", "en, en_us", "as the model's labels have them"
    yield "--output", "beside the recordings", "birdfast-results"


def _here(row: Flag) -> str:
    if row.ours:
        return _code(shown_as(row.ours))
    return "refused" if row.refused else "needs nothing"


def _known(row: Flag) -> str:
    return "; ".join(words for words in (row.words, row.refused) if words)


def _code(*words: str) -> str:
    return " ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    sys.stdout.write("".join(page()))
