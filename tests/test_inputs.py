"""What is meant by a file, a folder and a list of files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from birdfast import inputs, models
from birdfast.errors import ConfigError

from .commands import birdfast, infer, table
from .recordings import noise, refuse_to_list, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.wav", "a.FLAC", "sub/c.ogg", "sub/deep/d.m4a", "notes.md", ".hidden.wav", ".git/e.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_means_all_sound_below_it_in_order(tree: Path) -> None:
    found = [str(Path(path).relative_to(tree)) for path in inputs.find([str(tree)])]
    assert found == ["a.FLAC", "b.wav", "sub/c.ogg", "sub/deep/d.m4a"]


@pytest.mark.parametrize(
    "suffix", ["bwf", "mp2", "m4a", "3gp", "webm", "mka", "mov", "wma", "wv", "wac", "w4v", "W4V"]
)
def test_a_name_that_looks_like_a_recording_is_not_passed_over(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"dawn.{suffix}").touch()
    assert inputs.find([str(tmp_path)]) == [str(tmp_path / f"dawn.{suffix}")]


def test_a_file_is_taken_as_it_is_and_once(tree: Path) -> None:
    given = [str(tree / "notes.md"), str(tree / "b.wav"), str(tree)]
    found = inputs.find(given)
    assert found[:2] == given[:2]
    assert len(found) == len(set(found)) == 5


def test_a_list_names_files_that_need_not_exist(tree: Path) -> None:
    listing = tree / "list.txt"
    listing.write_text(f"{tree}/b.wav\r\n\n{tree}/gone.wav\n")
    assert inputs.find([str(listing)]) == [f"{tree}/b.wav", f"{tree}/gone.wav"]


def test_a_circle_of_links_ends(tree: Path) -> None:
    (tree / "sub" / "back").symlink_to(tree, target_is_directory=True)
    assert len(inputs.find([str(tree)])) == 4


def test_folders_that_link_to_each_other_are_searched_once_each(tmp_path: Path) -> None:
    folders = [tmp_path / "in" / name for name in "abcdefg"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "sound.wav").touch()
    for folder in folders:
        for other in folders:
            (folder / f"to {other.name}").symlink_to(other, target_is_directory=True)
    found = inputs.find([str(tmp_path / "in"), str(folders[3])])
    assert len(found) == 7
    assert {Path(path).resolve() for path in found} == {folder / "sound.wav" for folder in folders}


def test_a_folder_of_two_names_is_searched_under_the_first(tree: Path) -> None:
    (tree / "again").symlink_to(tree / "sub", target_is_directory=True)
    found = [str(Path(path).relative_to(tree)) for path in inputs.find([str(tree)])]
    assert found == ["a.FLAC", "again/c.ogg", "again/deep/d.m4a", "b.wav"]


def test_folders_may_be_nested_as_deep_as_a_path_is_long(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["d"] * 1_050)
    subprocess.run(["mkdir", "-p", deep], check=True)  # Python's own ways go down by recursion
    (deep / "sound.wav").touch()
    (tmp_path / "z.wav").touch()
    found = inputs.find([str(tmp_path)])
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)
    assert found == [str(deep / "sound.wav"), str(tmp_path / "z.wav")]


@pytest.mark.parametrize("name", ["list.txt", "LIST.TXT"])
def test_a_list_from_windows_is_a_list(tree: Path, name: str) -> None:
    (tree / name).write_bytes(b"\xef\xbb\xbfone.wav\r\ntwo.wav\r\n")
    assert inputs.find([str(tree / name)]) == ["one.wav", "two.wav"]


def test_a_link_to_itself_is_left_to_the_reader(tree: Path) -> None:
    for name in ("loop", "loop.wav"):
        (tree / name).symlink_to(tree / name)
    found = inputs.find([str(tree)])
    assert len(found) == 5
    assert str(tree / "loop.wav") in found


def test_a_folder_that_cannot_be_listed_stands_for_itself(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_list(monkeypatch, tree / "sub")
    found = [str(Path(path).relative_to(tree)) for path in inputs.find([str(tree)])]
    assert found == ["a.FLAC", "b.wav", "sub"]


def test_a_name_that_no_file_can_have_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"x{300}: cannot be looked at \(File name too long\)"):
        inputs.find(["x" * 300])
    with pytest.raises(ConfigError, match="not a file name"):
        inputs.find(["a\0b"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [("gone", "no such file or folder"), (".git/none", "no such"), ("empty", "no audio files")],
)
def test_nothing_to_do_is_an_error(tree: Path, name: str, reason: str) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(ConfigError, match=reason):
        inputs.find([str(tree / name)])


SPELLINGS = ("./a.wav", "a.wav", "{here}/a.wav", "sub/../a.wav", "sub//..//a.wav", "link/a.wav", "b.wav")


@pytest.mark.parametrize("first", SPELLINGS)
def test_a_recording_counts_once_by_its_first_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b.wav").symlink_to("a.wav")
    monkeypatch.chdir(tmp_path)
    names = [spelling.format(here=tmp_path) for spelling in (first, *SPELLINGS)]
    assert inputs.find(names) == names[:1]
    (tmp_path / "list.txt").write_text("\n".join(names))
    assert inputs.find(["list.txt", *names, "."]) == names[:1]


def test_a_link_upwards_is_followed_before_it_is_left(tmp_path: Path) -> None:
    for name in ("a.wav", "far/a.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "far" / "below").mkdir()
    (tmp_path / "link").symlink_to("far/below", target_is_directory=True)
    names = [f"{tmp_path}/a.wav", f"{tmp_path}/link/../a.wav"]  # the second lies in far/
    assert inputs.find(names) == names


def test_hard_links_and_missing_files_of_different_names_are_different_recordings(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "b.wav").hardlink_to(tmp_path / "a.wav")
    names = [str(tmp_path / name) for name in ("a.wav", "b.wav", "gone.wav", "gone/too.wav", "./gone.wav")]
    (tmp_path / "list.txt").write_text("\n".join(names))
    assert inputs.find([str(tmp_path / "list.txt")]) == names[:4]


CONFIG = (
    "Device ID                       : 24F319055FDF2205\r\nFirmware                        : 1.8.1\r\n\r\n"
    "Sample rate (Hz)                : 48000\r\nGain                            : Medium\r\n"
)


def test_a_recorders_configuration_is_no_list_of_paths(tmp_path: Path) -> None:
    config, told = tmp_path / "CONFIG.TXT", list[str]()
    config.write_text(CONFIG)
    (tmp_path / "a.wav").touch()
    found = inputs.find([str(config), str(tmp_path / "a.wav")], told.append)
    assert found == [str(tmp_path / "a.wav")]
    assert len(told) == 1
    assert told[0].startswith(f"{config}: no list of recordings ('Device ID")
    with pytest.raises(ConfigError, match=r"CONFIG\.TXT: no list of recordings \('Device ID"):
        inputs.find([str(config), str(tmp_path / "a.wav")])
    with pytest.raises(ConfigError, match="no audio files in "):
        inputs.find([str(config)], told.append)


def test_a_line_that_is_a_file_or_has_a_recordings_name_makes_a_list(tmp_path: Path) -> None:
    (tmp_path / "night").touch()
    for line in (f"{tmp_path}/night", "/gone/dawn.WAV"):
        (tmp_path / "list.txt").write_text(f"{CONFIG}{line}\n")
        assert inputs.find([str(tmp_path / "list.txt")])[-1] == line


def test_lines_that_no_file_can_have_as_a_name_are_lines(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{'x' * 300}\n{'y' * 300}.wav\n")
    assert len(inputs.find([str(tmp_path / "list.txt")])) == 2
    (tmp_path / "list.txt").write_text("x" * 300)
    with pytest.raises(ConfigError, match="no list of recordings"):
        inputs.find([str(tmp_path / "list.txt")])


def test_all_of_a_recorders_card_can_be_given(tiny: models.Model, tmp_path: Path) -> None:
    card, out = tmp_path / "card", tmp_path / "out"
    card.mkdir()
    (card / "CONFIG.TXT").write_text(CONFIG)
    write(card / "=1.wav", noise(8_000), 8_000)
    everything = [card / "=1.wav", card / "CONFIG.TXT", f"{card}/../card/=1.wav"]
    done = infer(tiny, *everything, "-o", out, "--min-conf", "0", "--csv-safe")
    assert done.returncode == 0, done.stderr
    assert f"{card}/CONFIG.TXT: no list of recordings ('Device ID" in done.stderr
    assert "; 1 file\n" in done.stderr
    assert {row["File"] for row in table(out / "detections.csv")} == {str(card / "=1.wav")}
    how = ["--model", tiny.path.parent, "-o", out, "--force", "--min-conf", "0", "--csv-safe"]
    here = birdfast("infer", "=1.wav", *how, cwd=card)
    assert here.returncode == 0, here.stderr
    assert {row["File"] for row in table(out / "detections.csv")} == {"'=1.wav"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("a.wav", "inputs: 'a.wav' does not fit; it takes a list of paths"),
        (b"a.wav", "inputs: b'a.wav' does not fit; it takes a list of paths"),
        (None, "inputs: None does not fit; it takes a list of paths"),
        (7, "inputs: 7 does not fit; it takes a list of paths"),
        ([b"a.wav"], "input: b'a.wav' does not fit; it takes a path as text, as os.fsdecode makes it"),
        ([None], "input: None does not fit; it takes a path as text"),
        ([3], "input: 3 does not fit; it takes a path"),
        ([""], "an input is empty"),
    ],
)
def test_what_is_no_list_of_paths_is_told(given: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(reason)):
        inputs.find(given)


def test_paths_are_paths(tree: Path) -> None:
    assert inputs.find([tree / "b.wav"]) == [str(tree / "b.wav")]


def test_a_list_that_is_no_text_is_refused(tree: Path) -> None:
    (tree / "list.txt").write_bytes(b"\0\1\2")
    with pytest.raises(ConfigError, match="not a list of paths"):
        inputs.find([str(tree / "list.txt")])
