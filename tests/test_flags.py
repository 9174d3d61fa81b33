"""The flags of other tools: taken, said or refused as the one table has it, and as its page says."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
from pathlib import Path

import pytest

from birdfast.__main__ import Parser, _parser, main
from birdfast.cli import COMMANDS, asking, flags, kinds
from birdfast.cli.flags import FLAGS, Flag

ROOT = Path(__file__).parents[1]
# Those that scripts have, of versions 1 to 3.
SPELLINGS = (
    "--i --o -o --output --min_conf --rtype --slist --lat --lon --week --sf_thresh --sensitivity --overlap"
    " --fmin --fmax --audio_speed --merge_consecutive --top_n -t --threads -b --batchsize --batch_size"
    " --n_workers --n_producers --combine_results --split_tables --no-split_tables --skip_existing_results"
    " -l --locale -c --classifier --cc_species_list --additional_columns --use_perch --birdnet --strict -v"
    " --quiet --load_params"
)
VALUES = {"--rtype": "csv", "--birdnet": "2.4", "--additional_columns": "lat", "--slist": "list.txt"}
TAKEN = [row for row in FLAGS if not row.meant]
MEANT = [row for row in FLAGS if row.meant]


def parsed(*words: str) -> argparse.Namespace:
    return _parser().parse_args(["infer", "a.wav", *words])


def given(row: Flag, spelling: str) -> list[str]:
    takes_none = row.takes == 0 or spelling in ("--strict", "--quiet", "--split_tables")
    return [spelling] if takes_none else [spelling, VALUES.get(row.spellings[0], "2")]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 64
    return capsys.readouterr().err


def test_what_scripts_have_is_in_the_table() -> None:
    known = {spelling for row in TAKEN for spelling in row.spellings}
    assert {*SPELLINGS.split()} <= known


def test_no_spelling_stands_twice() -> None:
    every = [spelling for row in FLAGS for spelling in row.spellings]
    assert len(every) == len({*every})


@pytest.mark.parametrize(
    ("row", "spelling"),
    [(row, spelling) for row in TAKEN for spelling in row.spellings],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_spelling_does_what_the_table_says(
    row: Flag, spelling: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = given(row, spelling)
    if row.refused and not row.values:
        assert f"birdfast infer: {spelling}: {row.refused}" in told(capsys, "infer", "a.wav", *words)
        return
    found = vars(parsed(*words))
    old = found.pop("old", ())
    if not row.ours:
        assert [row for _, row in old] == [row]
        assert found == vars(parsed())
        return
    value = row.values.get(None if row.takes == 0 else words[-1]) if row.values else None
    ours = vars(parsed(row.ours, *([value] if value else words[1:])))
    assert found == {name: value for name, value in ours.items() if name != "old"}
    assert found != vars(parsed())
    joined = [f"{words[0]}={words[1]}"] if len(words) > 1 and words[0].startswith("--") else words
    assert {name: value for name, value in vars(parsed(*joined)).items() if name != "old"} == found


def test_our_options_are_those_that_the_table_says() -> None:
    names = {name for action in subparser("infer")._actions for name in action.option_strings}
    assert {row.ours for row in FLAGS if row.ours} <= names


def test_what_needs_nothing_is_said_once() -> None:
    chosen = parsed("-b", "4", "-b", "8", "--batch_size", "16", "--n_producers", "2", "--min_conf", "0.5")
    assert list(flags.remarks(chosen)) == [
        "-b: birdfast batches by itself",
        "--n_producers: each worker reads for itself",
    ]
    assert list(flags.remarks(parsed("--min-conf", "0.5"))) == []


@pytest.mark.parametrize(
    ("words", "per_file"),
    [
        (["--split_tables", "--no-split_tables"], False),
        (["--no-split_tables", "--split_tables"], True),
        (["--per-file", "--no-split_tables"], False),
    ],
)
def test_of_two_flags_that_contradict_each_other_the_last_counts(words: list[str], per_file: bool) -> None:
    assert parsed(*words).per_file is per_file


def test_another_birdnet_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--birdnet: birdfast knows BirdNET 2.4 by name" in told(
        capsys, "infer", "a.wav", "--birdnet", "3.0"
    )
    assert parsed("--birdnet").model == ["birdnet-2.4"]
    assert parsed("--use_perch", "--model", "x").model == ["perch-2", "x"]


def test_a_wrong_value_names_the_flag_that_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--min_conf: 'x' is not a number" in told(capsys, "infer", "a.wav", "--min_conf", "x")
    assert "-t/--threads: 0 is less than 1" in told(capsys, "infer", "a.wav", "-t", "0")


def test_help_shows_our_spellings_alone() -> None:
    shown = subparser("infer").format_help().partition("\nexamples:")[0]
    words = {word.strip(",") for word in shown.split()}
    ours = {row.ours for row in TAKEN}
    for row in TAKEN:
        for spelling in row.spellings:
            assert (spelling in words) == (spelling in ours or spelling in ("-o", "-l")), spelling


def subparser(command: str) -> argparse.ArgumentParser:
    (commands,) = _parser()._subparsers._group_actions  # type: ignore[union-attr]
    found = commands.choices[command]  # type: ignore[index]
    assert isinstance(found, Parser)
    return found


@pytest.mark.parametrize(
    ("words", "n_inputs", "wanted"),
    [
        ("a.wav --rtype csv parquet", 1, "csv,parquet"),
        ("--rtype csv parquet a.wav", 1, "csv,parquet"),
        ("--rtype csv,parquet a.wav b.wav", 2, "csv,parquet"),
        ("--rtype csv a.wav --rtype parquet", 1, "parquet"),
        ("--i a.wav --rtype scores csv -o out", 1, "scores,csv"),
        ("a.wav --rtype xls", 1, "xls"),
        ("a.wav", 1, None),
    ],
)
def test_kinds_are_several_words_and_files_may_follow(words: str, n_inputs: int, wanted: str | None) -> None:
    chosen = _parser().parse_args(["infer", *words.split()])
    assert chosen.rtype == wanted
    assert len([*chosen.inputs, *chosen.more]) == n_inputs


def test_analyze_has_the_defaults_of_its_name() -> None:
    old, new = (_parser().parse_args([name, "a.wav", "-t", "2"]) for name in ("analyze", "infer"))
    assert (kinds.usual(old.command), kinds.usual(new.command)) == ("raven", "csv")
    assert flags.per_file(old) == "-t"
    combined = _parser().parse_args(["analyze", "--i", "a.wav", "-t", "2", "--combine_results"])
    assert flags.per_file(combined) == ""
    assert flags.per_file(_parser().parse_args(["analyze", "a.wav", "--n_workers", "2"])) == ""


def test_nowhere_and_the_whole_year() -> None:
    asked = asking.question(parsed("--lat", "-1", "--lon", "-1", "--week", "-1", "--merge_consecutive", "0"))
    assert (asked.latitude, asked.longitude, asked.week, asked.merge_consecutive) == (None, None, -1, 1)
    south = asking.question(
        parsed("--lat", "-33.5", "--lon", "-1", "--additional_columns", "lat", "lon,week")
    )
    assert (south.latitude, south.longitude, south.week) == (-33.5, -1, None)
    assert south.columns == ("lat", "lon", "week")


@pytest.mark.parametrize("zone", ["-03:00", "-3", "+02:00"])
def test_a_zone_west_of_greenwich_is_a_value(zone: str) -> None:
    assert asking.question(parsed("--tz", zone)).time_zone == zone


@pytest.mark.parametrize("row", MEANT, ids=lambda row: row.spellings[0])
def test_words_of_other_tools_are_told_what_they_are_here(
    row: Flag, capsys: pytest.CaptureFixture[str]
) -> None:
    for spelling in row.spellings:
        said = told(capsys, "infer", "a.wav", spelling, "1")
        assert said.startswith("usage: birdfast infer ")
        assert f"did you mean {flags.shown_as(row.ours)}" in said


@pytest.mark.parametrize(
    ("words", "guess"),
    [
        ("infer a.wav --min-confi 0.5", "--min-conf?"),
        ("infer a.wav --ovrlap 1", "--overlap?"),
        ("infer a.wav --MIN_CONF=1", "--min-conf?"),
        ("train a -o b --presets best", "--preset?"),
        ("merge a -o b --rtipe csv", "--rtype?"),
        ("status a --jsn", "--json?"),
        ("infer a.wav --zzzz", ""),
        ("status a --min_score 3", ""),
    ],
)
def test_an_unknown_option_gets_its_commands_usage_and_a_guess(
    words: str, guess: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(capsys, *words.split())
    assert f"usage: birdfast {words.split()[0]} " in said
    assert "unrecognized arguments: " in said
    assert ("did you mean" in said) == bool(guess)
    assert guess in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("infr", "did you mean infer? There are infer, "),
        ("analyse", "did you mean analyze?"),
        ("embeddings", "here it is `birdfast infer --rtype embeddings`"),
        ("qwertyuiop", "'qwertyuiop' is no command; there are "),
    ],
)
def test_an_unknown_command_gets_a_guess(command: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in told(capsys, command, "a.wav")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_an_unknown_option_may_have_meant(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = subparser(command)
    option = next(name for action in parser._actions for name in action.option_strings if len(name) > 4)
    assert flags.guess(parser, f"{option}x") == f"did you mean {option}?"


def test_the_page_is_what_the_table_says() -> None:
    spec = importlib.util.spec_from_file_location("make_switching", ROOT / "docs" / "make_switching.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert (ROOT / "docs" / "switching.md").read_text() == "".join(made.page())


def test_lines_of_scripts_are_taken_whole() -> None:
    """What R's wrapper of BirdNET-Analyzer writes, every flag of it."""
    line = (
        "analyze --i in --o out --fmin 0 --fmax 15000 --lat -1 --lon -1 --week -1 --sf_thresh 0.03"
        " --sensitivity 1 --overlap 0 --audio_speed 1 --threads 2 --min_conf 0.1 --locale en --batchsize 1"
        " --rtype csv table --additional_columns lat lon week overlap sensitivity min_conf species_list"
        " model --top_n 3 --merge_consecutive 1 --skip_existing_results --combine_results"
    )
    chosen = _parser().parse_args(shlex.split(line))
    assert (chosen.more, str(chosen.output), chosen.workers, chosen.min_conf) == (["in"], "out", 2, 0.1)
