"""The command line: what a person types, and what comes of it."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
import pytest

from birdfast import _kernels, models
from birdfast.__main__ import main
from birdfast.cli import COMMANDS
from birdfast.outcomes import Detection, Failure, Outcome
from birdfast.runs.progress import Progress
from birdfast.tables import About, whose
from birdfast.tables.detections import CsvTable

from . import networks
from .commands import LIMIT_S, birdfast, ended, infer, ran, started, table
from .recordings import KINDS, damaged, noise, write


def test_a_folder_becomes_tables(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    result = infer(tiny, wav.parent, "-o", tmp_path / "out", "--min-conf", "0", "--rtype", "csv,parquet")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "detections.csv",
        "detections.parquet",
        "failures.csv",
        "journal.sqlite",
    }
    rows = table(tmp_path / "out" / "detections.csv")
    assert len(rows) == 15
    assert rows[0]["File"] == str(wav)
    assert table(tmp_path / "out" / "failures.csv") == []
    assert "1 file, 2.5 s of sound" in result.stderr
    assert "times real time; 15 detections, 0 failures" in result.stderr
    assert str(tmp_path / "out" / "detections.csv") in result.stderr


def test_a_picture_without_a_row_of_its_table_says_so(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    assert infer(tiny, wav, "-o", tmp_path / "out", "--min-conf", "0").returncode == 0
    other = write(tmp_path / "other.wav", noise(20_000), 8_000)
    for recording, said in ((wav, ""), (other, f"does not name {other}: its 15 rows are of other files")):
        result = birdfast("plot", recording, tmp_path / "out" / "detections.csv", "-o", tmp_path / "x.png")
        assert result.returncode == 0, result.stderr
        assert said in result.stderr
        assert bool(said) == bool(result.stderr)


def test_a_picture_has_the_rows_of_a_safe_table(tiny: models.Model, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    for name in ("=1.wav", "'=1.wav", "''=1.wav"):
        write(tmp_path / name, noise(20_000), 8_000)
    how = ["--model", tiny.path.parent, "-o", "out", "--min-conf", "0", "--csv-safe"]
    assert birdfast("infer", "=1.wav", "'=1.wav", *how, cwd=tmp_path).returncode == 0
    for name, n_rows, said in (
        ("=1.wav", 15, ""),
        ("'=1.wav", 15, ""),
        ("''=1.wav", 0, "does not name ''=1.wav: its 30 rows are of other files, such as =1.wav"),
    ):
        result = birdfast("plot", name, "out/detections.csv", "-o", "x.png", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert f"({n_rows} detections in {name})" in result.stdout
        assert said in result.stderr
        assert bool(said) == bool(result.stderr)


def rows_of(*files: str) -> list[Detection]:
    return [Detection(0.0, 3.0, "Avis", "Bird", 0.5, file) for file in files]


@pytest.mark.parametrize(
    ("files", "drawn", "moved_from", "alike"),
    [
        (["card/a.wav", "card/b.wav"], ["card/a.wav"], "card/a.wav", 0),
        (["card/a.wav", "night/a.wav"], [], "", 2),
        (["card/b.wav"], [], "", 0),
        (["./sub/../a.wav", "card/a.wav"], ["./sub/../a.wav"], "", 0),
        (["there/a.wav"], [], "", 0),  # it is still there, so it is another
        (["card/\0/a.wav"], ["card/\0/a.wav"], "card/\0/a.wav", 0),
        ([], [], "", 0),
    ],
)
def test_a_recording_that_moved_is_found_by_its_name_if_only_one_has_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: list[str],
    drawn: list[str],
    moved_from: str,
    alike: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("sub", "there"):
        (tmp_path / folder).mkdir()
    for name in ("a.wav", "there/a.wav"):
        (tmp_path / name).touch()
    own = whose.own(Path("a.wav"), rows_of(*files, *files))
    assert {row.file for row in own.rows} == {*drawn}
    assert len(own.rows) == 2 * len(drawn)
    assert (own.moved_from, len(own.alike)) == (moved_from, alike)


def test_a_picture_says_where_its_rows_are_from(wav: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    for files, said, n_rows in (
        ([f"card/{wav.name}", "card/b.wav"], f"drawn is what it says of card/{wav.name}", 1),
        ([f"{card}/{wav.name}" for card in "ab"], f"2 have this name: a/{wav.name}, b/{wav.name}; none", 0),
    ):
        with CsvTable(tmp_path, About({}, ())) as table:
            table.detections(rows_of(*files))
        result = birdfast("plot", wav, table.path, "-o", tmp_path / "x.png")
        assert result.returncode == 0, result.stderr
        assert f"{table.path} does not name {wav}: " in result.stderr
        assert said in result.stderr
        assert f"{n_rows} detection" in result.stdout
        assert (tmp_path / "x.png").exists()


def test_the_same_bytes_for_any_number_of_workers(tiny: models.Model, tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / f"{number}.wav", noise(20_000 * number + 500, seed=number), 8_000)
    for n_workers in (1, 2, 3):
        out = tmp_path / f"out{n_workers}"
        infer(
            tiny, tmp_path, "-o", out, "--min-conf", "0.1", "--rtype", "csv,parquet", "--workers", n_workers
        )
    for name in ("detections.csv", "detections.parquet"):
        assert len({(tmp_path / f"out{n}" / name).read_bytes() for n in (1, 2, 3)}) == 1


def test_a_bad_file_is_a_row_and_the_rest_finish(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    bad = [str(path) for kind, (path, _) in damaged(tmp_path / "bad").items() if kind != "directory"]
    assert len(bad) == len(KINDS) - 1
    listing = tmp_path / "list.txt"
    listing.write_text("\n".join([*bad, str(wav)]))
    result = infer(tiny, listing, "-o", tmp_path / "out", "--min-conf", "0")
    assert result.returncode == 2, result.stderr
    failures = {row["path"]: row for row in table(tmp_path / "out" / "failures.csv")}
    assert sorted(failures) == sorted(bad)
    for path, failure in failures.items():
        assert (failure["stage"], failure["error"]) == ("audio", "AudioError")
        assert failure["message"].startswith(path)
    assert sum(row["File"] == str(wav) for row in table(tmp_path / "out" / "detections.csv")) == 15
    assert "Traceback" not in result.stderr


def test_nothing_but_bad_files_is_exit_code_3(tiny: models.Model, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    result = infer(tiny, bad, "-o", tmp_path / "out")
    assert result.returncode == 3
    assert len(table(tmp_path / "out" / "failures.csv")) == 1


def test_sound_before_a_failure_is_told_and_exit_code_2(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    wav.write_bytes(wav.read_bytes()[: 44 + 2 * 10_000])
    heard = "1 file, 1.0 s of sound"
    for again, told in (([], heard), ([], "nothing was left to do"), (["--retry"], heard)):
        result = infer(tiny, wav, "-o", tmp_path / "out", "--min-conf", "0", *again)
        assert result.returncode == 2, result.stderr
        assert told in result.stderr
    assert len(table(tmp_path / "out" / "failures.csv")) == 1


def test_what_is_left_is_told_by_the_speed_since_the_first_sound_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("birdfast.runs.progress.monotonic", lambda: clock[0])
    progress = Progress(0.0)
    paths = [str(tmp_path / f"{number}.wav") for number in range(10)]
    for path in paths:
        Path(path).write_bytes(bytes(1_000))
    progress.begin(paths, 0, 1)
    told = []
    for number, path in enumerate(paths[:3]):
        clock[0] = 600.0 + 2 * number  # ten minutes for a network that is rewritten
        progress.add(path, Outcome(audio_s=60.0))
        told.append(progress._left_s())
    assert told[1:] == [16.0, 14.0]


def test_no_time_left_is_said_while_no_file_had_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("birdfast.runs.progress.monotonic", lambda: clock[0])
    progress = Progress(0.0, bar=False)
    paths = [str(tmp_path / f"{number}.wav") for number in range(10)]
    for path in paths[4:]:  # the first are not there, and one is empty
        Path(path).write_bytes(bytes(1_000 * (path != paths[4])))
    progress.begin(paths, 0, 1)
    for path in paths[:6]:
        clock[0] += 10.0
        progress.add(path, Outcome())
    told = [(line[:3], line.endswith("left")) for line in capsys.readouterr().err.splitlines()]
    assert told == [
        ("10%", False),
        ("20%", False),
        ("30%", False),
        ("40%", False),
        ("50%", False),
        ("20%", True),
    ]


def test_a_file_that_vanishes_in_mid_run_counts_once() -> None:
    progress = Progress(time.monotonic(), quiet=True)
    progress.begin(["long.wav", "short.wav"], 0, 1)
    gone = Failure("long.wav", "audio", "AudioError", "no such file")
    progress.add("long.wav", Outcome(0, 3, audio_s=60.0))
    for stretch in (1, 2):
        progress.add("long.wav", Outcome(stretch, 3, failure=gone))
    progress.add("short.wav", Outcome())
    assert (progress.n_files, progress.n_failures) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "COMMAND"),
        (["infer"], "INPUT"),
        (["infer", "x.wav"], "x.wav: no such file or folder"),
        (["infer", "WAV", "--model", "nothing"], "nothing: no such model"),
        (["infer", "WAV", "--rtype", "xls"], "'xls' is no kind of table"),
        (["infer", "WAV", "--min-conf", "2"], "min_confidence: 2.0 does not fit"),
        (["infer", "WAV", "--overlap", "9"], "a step of -8.5 s does not fit"),
        (["infer", "WAV", "--overlap", "inf"], "overlap_s: inf does not fit"),
        (["infer", "WAV", "--step", "nan"], "step_s: nan does not fit"),
        (["infer", "WAV", "--overlap", "0.1", "--step", "1"], "not allowed with"),
        (["infer", "WAV", "--workers", "0"], "0 is less than 1"),
        (["infer", "WAV", "--file-timeout", "1"], "1 s does not fit; it takes 2 or more"),
        (["infer", "WAV", "--workers", "x"], "--workers: 'x' is not a whole number"),
        (["infer", "WAV", "-o", "WAV"], "cannot be the output folder"),
        (["infer", "WAV", "-o", "/proc"], "cannot be written into /proc"),
        (["infer", "WAV", "-o", "TAKEN"], "detections.csv: cannot be written (it is a folder)"),
        (["infer", "x" * 300], "File name too long"),
        (["demo", "/proc/x"], "/proc/x: cannot be made"),
        (["demo", "/proc"], "/proc/truth.csv: cannot be written"),
        (["demo", ".", "--seed", "-1"], "seed: -1 is less than 0"),
        (["demo", "DEMO", "--compare", "LABELS"], "one.txt: no column 'Start (s)'"),
        (["demo", "DEMO", "--compare", "ODD"], "odd.csv: damaged (could not convert string to float: 'x')"),
        (["plot", "WAV", "TABLE", "-o", "/nonexistent/x.png"], "cannot be written into /nonexistent"),
        (["plot", "WAV", "TABLE", "--start", "nan"], "start: nan s does not fit"),
        (["plot", "WAV", "TABLE", "--start", "-5"], "start: -5 s does not fit"),
        (["plot", "WAV", "TABLE", "--start", "1e300"], "start: 1e+300 s does not fit"),
        (["plot", "WAV", "TABLE", "--length", "inf"], "length: inf s does not fit"),
        (["plot", "WAV", "TABLE", "--length", "-1"], "length: -1 s does not fit"),
        (["plot", "WAV", "TABLE", "--length", "0"], "less than 1024 samples"),
        (["plot", "WAV", "TABLE", "--fmax", "0"], "fmax: 0 Hz does not fit"),
        (["plot", "WAV", "TABLE", "--fmax", "-3"], "fmax: -3 Hz does not fit"),
        (["infer", "WAV", "--labels", "LABELS"], "scores 3 classes, but there are 1 labels"),
    ],
)
def test_wrong_usage_is_exit_code_64(
    tiny: models.Model,
    wav: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    labels = tmp_path / "one.txt"
    labels.write_text("A_B\n")
    if arguments[:1] == ["plot"]:
        pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    table, odd, taken, demo = (tmp_path / name for name in ("table.csv", "odd.csv", "taken", "demo"))
    header = "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
    table.write_text(header)
    odd.write_text(f"{header}x,3.0,A,B,0.5,c.wav\n")
    (taken / "detections.csv").mkdir(parents=True)
    demo.mkdir()
    (demo / "truth.csv").write_text("Start (s),End (s),Scientific name,Common name\n")
    places = {"WAV": wav, "LABELS": labels, "TABLE": table, "ODD": odd, "TAKEN": taken, "DEMO": demo}
    names = {name: str(path) for name, path in places.items()}
    given = [names.get(argument, argument) for argument in arguments]
    if "--labels" in given:
        given += ["--model", str(tiny.path)]
    elif given[:1] == ["infer"] and "--model" not in given:
        given += ["--model", str(tiny.path.parent)]
    monkeypatch.chdir(tmp_path)
    assert ended(*given) == 64
    assert reason in capsys.readouterr().err


def test_a_file_that_is_no_network_is_exit_code_64(wav: Path, tmp_path: Path) -> None:
    folder = networks.write_folder(tmp_path)
    (folder / "tiny.tflite").write_bytes(b"no network")
    result = birdfast("infer", wav, "--model", folder, "-o", tmp_path / "out")
    assert result.returncode == 64
    assert "tiny.tflite: not a TFLite model" in result.stderr
    assert list((tmp_path / "out").glob(".*")) == []


def test_more_workers_than_the_system_takes_are_no_fault_of_the_output(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(30):
        (tmp_path / "in" / f"{number}.wav").hardlink_to(wav)
    how = [tmp_path / "in", "--model", tiny.path.parent, "-o", tmp_path / "out", "--workers", "30"]
    command = shlex.join([sys.executable, "-m", "birdfast", "infer", *map(str, how)])
    result = ran("sh", "-c", f"ulimit -n 20; exec {command}")
    assert result.returncode == 64
    assert "of 30 workers run, and no other can be started (Too many open files)" in result.stderr
    assert "--workers" in result.stderr
    assert "cannot be written" not in result.stderr


def test_quiet_says_nothing(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    result = infer(tiny, wav, "-o", tmp_path / "out", "--quiet")
    assert (result.stdout, result.stderr) == ("", "")


def test_a_terminal_gets_a_progress_bar(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, "-m", "birdfast", "infer", str(wav), "--model", str(tiny.path.parent)]
    assert ran(*command, "-o", tmp_path / "out", stderr=theirs).returncode == 0
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "100%" in shown
    assert "1/1 files" in shown
    assert " species, " in shown
    assert "x real time" in shown


@pytest.mark.starts
def test_interrupting_leaves_no_process_and_no_half_table(tiny: models.Model, tmp_path: Path) -> None:
    write(tmp_path / "long.wav", noise(8_000 * 1800), 8_000)
    command = [sys.executable, "-m", "birdfast", "infer", str(tmp_path), "--model", str(tiny.path.parent)]
    command += ["--step", "0.0005", "-o", str(tmp_path / "out")]
    with started(*command, stderr=subprocess.PIPE) as process:
        parent = psutil.Process(process.pid)
        while not (tmp_path / "out" / "journal.sqlite").exists() or not parent.children():
            time.sleep(0.05)
        time.sleep(0.5)
        children = parent.children()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert b"birdfast: interrupted; the same command goes on:\n" in errors
    assert b"0 of 1 file done" in errors
    assert b"Traceback" not in errors
    assert not [child for child in children if child.is_running()]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"journal.sqlite"}


def test_models_lists_what_each_wants_and_where_it_lies(tmp_path: Path) -> None:
    result = birdfast("models", env={**os.environ, "BIRDFAST_MODELS": str(tmp_path)})
    assert result.returncode == 0
    assert "birdnet-2.4: BirdNET V2.4, licence CC BY-NC-SA 4.0" in result.stdout
    assert "32,000 Hz, windows of 5 s" in result.stdout
    assert str(tmp_path / "perch-2") in result.stdout


def test_info_says_what_runs_here() -> None:
    result = birdfast("info")
    assert result.returncode == 0
    words = ("birdfast", "Python", "processor", "kernels: ", "TFLite runtime", "libsndfile", "numpy")
    for word in (*words, "rewritten networks: ", _kernels.cpu_table()):
        assert word in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = birdfast(command, "--help")
    assert result.returncode == 0
    assert "usage: birdfast" in result.stdout
    assert len(result.stdout) > 150


def test_plot_draws_the_recording_with_its_detections(wav: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    detections = tmp_path / "detections.csv"
    with CsvTable(tmp_path, About({}, ())) as table:
        table.detections([Detection(0, 3, "Parus major", "Great Tit", 0.9, str(wav))])
    result = birdfast("plot", wav, detections, "-o", tmp_path / "picture.png")
    assert result.returncode == 0, result.stderr
    assert "1 detection in" in result.stdout
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"
    assert birdfast("plot", wav, detections, "--start", "100").returncode == 64
    assert "not a table of detections" in birdfast("plot", wav, wav).stderr


def test_plot_takes_a_name_that_is_no_text(wav: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    odd = wav.rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff$\\a$.wav")))
    (tmp_path / "none.csv").write_text("Start (s),End (s),Scientific name,Common name,Confidence,File\n")
    result = birdfast("plot", odd, tmp_path / "none.csv", "-o", tmp_path / "picture.png")
    assert result.returncode == 0, result.stderr
    assert "\\udcff$\\a$.wav" in result.stdout
    assert "none.csv has no detection; none is drawn" in result.stderr


def test_a_reader_who_leaves_early_ends_it_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = birdfast("models", stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, "")


def test_a_run_leaves_nothing_behind_in_the_temporary_folder(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    arguments = ["infer", "--model", tiny.path.parent, wav, "-o", tmp_path / "out"]
    assert birdfast(*arguments, env={**os.environ, "TMPDIR": str(scratch)}).returncode == 0
    assert list(scratch.iterdir()) == []


def test_the_demo_is_found_by_the_real_network(birdnet: models.Model, tmp_path: Path) -> None:
    assert birdfast("demo", tmp_path).returncode == 0
    result = birdfast("infer", tmp_path / "soundscape.flac", "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "CC BY-NC-SA 4.0" in result.stderr
    compared = birdfast("demo", tmp_path, "--compare", tmp_path / "out" / "detections.csv")
    assert compared.returncode == 0
    assert "20 of 20 songs found" in compared.stdout


def test_the_demo_tells_what_was_missed(tmp_path: Path) -> None:
    birdfast("demo", tmp_path)
    empty = tmp_path / "none.csv"
    empty.write_text("Start (s),End (s),Scientific name,Common name,Confidence,File\n")
    result = birdfast("demo", tmp_path, "--compare", empty)
    assert result.returncode == 1
    assert "0 of 20 songs found" in result.stdout


def test_the_demo_compares_names_that_a_spreadsheet_would_have_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "truth.csv").write_text("Start (s),End (s),Scientific name,Common name\n1,2,a,=wren\n")
    titles = '"Start (s)","End (s)","Scientific name","Common name","Confidence","File"\n'
    (tmp_path / "safe.csv").write_text(f"{titles}0.0,3.0,a,'=wren,0.5,a.wav\n")
    assert main(["demo", str(tmp_path), "--compare", str(tmp_path / "safe.csv")]) == 0
    assert "1 of 1 songs found; 0 other detections" in capsys.readouterr().out
    (tmp_path / "safe.csv").write_text(f"{titles}0.0,3.0\n")
    assert main(["demo", str(tmp_path), "--compare", str(tmp_path / "safe.csv")]) == 64
    assert "safe.csv: damaged (a row without " in capsys.readouterr().err


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full"])
@pytest.mark.parametrize("progress", ["", "--progress"])
def test_streams_that_are_closed_or_full_do_not_decide_how_a_run_ends(
    tiny: models.Model, wav: Path, tmp_path: Path, streams: str, progress: str
) -> None:
    out = tmp_path / "out"
    words = [
        sys.executable,
        "-m",
        "birdfast",
        "infer",
        wav,
        "--model",
        tiny.path.parent,
        "-o",
        out,
        "--min-conf",
    ]
    command = f"{shlex.join(map(str, words))} 0 {progress} {streams}"
    assert ran("sh", "-c", command).returncode == 0
    assert len(table(out / "detections.csv")) == 15


@pytest.mark.parametrize(
    ("streams", "code"), [(">&-", 0), ("2>&-", 0), (">/dev/full", 74), ("2>/dev/full", 0)]
)
@pytest.mark.parametrize("command", ["models", "info", "--help"])
def test_what_is_printed_is_told_where_it_cannot_be_written(command: str, streams: str, code: int) -> None:
    words = f"{shlex.join([sys.executable, '-m', 'birdfast', command])} {streams}"
    ended = ran("sh", "-c", words)
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_a_list_that_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "list.txt")
    refused = birdfast("infer", tmp_path / "list.txt")
    assert (refused.returncode, "not a regular file" in refused.stderr) == (64, True)
    assert birdfast("infer", "").returncode == 64
