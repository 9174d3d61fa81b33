"""What there is to learn from: each clip once, with its labels as they are written, in one fold."""

from __future__ import annotations

import os
import shutil
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from birdfast import bars, labels, modelfolder, models
from birdfast.errors import ConfigError
from birdfast.train import contents, folds, recordings
from birdfast.train.recordings import Clip

NFC = unicodedata.normalize("NFC", "Phaëthornis")
NFD = unicodedata.normalize("NFD", "Phaëthornis")
WAYS: dict[str, Callable[[Path, Path], object]] = {
    "copy": shutil.copyfile,
    "hard link": lambda file, other: os.link(file, other),
    "symbolic link": lambda file, other: other.symlink_to(file),
}


def folders(root: Path, *names: str) -> Path:
    """Class folders, each with a file of its own content."""
    for number, name in enumerate(names):
        (root / name).mkdir(parents=True)
        (root / name / f"{number}.wav").write_bytes(b"%03d" % number)
    return root


def table(root: Path, *rows: str) -> Path:
    path = root / "clips.csv"
    path.write_text("\n".join(["file,label,start_s,end_s,fold", *rows]) + "\n")
    return path


def classes_of(clips: list[Clip]) -> list[str]:
    return sorted({label for clip in clips for label in clip.labels})


# ---- labels ----


def test_class_folders_keep_their_names_to_the_table(tmp_path: Path) -> None:
    pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")
    names = [
        "Dog",
        "Turdus_merula",
        "Turdus_philomelos",
        "Turdus viscivorus_Mistle Thrush",
        "_noise",
        "wind_",
    ]
    classes = classes_of(recordings.find(str(folders(tmp_path / "songs", *names))))
    assert classes == sorted(names)
    facts = {"title": "mine", "licence": "mine", "activation": "sigmoid", "window_s": 5, "classes": classes}
    modelfolder.write(tmp_path / "m", {**facts, "frontend": {"rate_hz": 32_000}, "pooling": {}}, {})
    model = models.find(tmp_path / "m")
    found = labels.load(model.labels_path, model.labels_format)
    pairs = dict(zip(found.scientific, found.common, strict=True))
    assert pairs.pop("Turdus viscivorus") == "Mistle Thrush", "as BirdNET names its classes"
    assert pairs == {name: name for name in names if " " not in name}


@pytest.mark.parametrize("name", ["Acoustic_guitar", "_noise", "Turdus merula Blackbird"])
def test_a_columns_names_are_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / "labels.csv").write_text(f"name\n{name}\n")
    assert labels.load(tmp_path / "labels.csv", "csv:name") == labels.Labels((name,), (name,))


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        ("Parus major_Great Tit", ("Parus major", "Great Tit")),
        ("Dog_Dog", ("Dog", "Dog")),
        ("Dog_Hund", ("Dog_Hund", "Dog_Hund")),
        ("_noise", ("_noise", "_noise")),
        ("noise_", ("noise_", "noise_")),
    ],
)
def test_a_line_of_birdnets_has_both_names_or_is_whole(
    tmp_path: Path, line: str, pair: tuple[str, str]
) -> None:
    (tmp_path / "labels.txt").write_text(line)
    assert labels.load(tmp_path / "labels.txt") == labels.Labels((pair[0],), (pair[1],))


def test_two_spellings_of_an_accent_are_one_class(tmp_path: Path) -> None:
    assert NFC != NFD
    found = recordings.find(str(folders(tmp_path / "songs", NFC, NFD, "Parus")))
    assert classes_of(found) == ["Parus", NFC]
    rows = [f"songs/{NFC}/0.wav,{NFC}", f"songs/{NFD}/1.wav,{NFD}", "songs/Parus/2.wav,Parus"]
    assert classes_of(recordings.find(str(table(tmp_path, *rows)))) == ["Parus", NFC]
    (tmp_path / "labels.txt").write_text(NFD)
    assert labels.load(tmp_path / "labels.txt").scientific == (NFC,)


def test_two_spellings_of_a_fold_are_one(tmp_path: Path) -> None:
    folders(tmp_path, "a", "b", "c")
    rows = [f"a/0.wav,a,,,{NFC}", f"b/1.wav,b,,,{NFD}", "c/2.wav,c,,,3"]
    clips = recordings.find(str(table(tmp_path, *rows)))
    assert folds.splits(clips) == ["3", NFC]
    for spelling in (NFC, NFD):
        assert folds.parted(clips, spelling, 0) == (clips, [NFC])
    with pytest.raises(ConfigError, match=f"there is no fold '4'; there are 3, {NFC}"):
        folds.parted(clips, "4", 0)


# ---- a clip is there once ----


def test_rows_of_one_clip_are_one_clip_with_all_labels(tmp_path: Path) -> None:
    folders(tmp_path, "x", "y")
    rows = ["x/0.wav,a,0,3,1", "y/1.wav,b,,,1", "x/0.wav,b,0,3,1", "./x/../x/0.wav,a;c,0.0,3.0,1"]
    rows += ["x/0.wav,a,3,6,1", "x/0.wav,a,0,3,1", "y/1.wav,,,,1"]
    found = recordings.find(str(table(tmp_path, *rows)))
    assert [(clip.labels, clip.start_s) for clip in found] == [(("a", "b", "c"), 0), (("b",), 0), (("a",), 3)]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_in_two_class_folders_has_both_labels(tmp_path: Path, way: str) -> None:
    folders(tmp_path, "a", "b")
    WAYS[way](tmp_path / "a/0.wav", tmp_path / "b/again.wav")
    found = {clip.path: clip.labels for clip in recordings.find(str(tmp_path))}
    assert found == {str(tmp_path / "a/0.wav"): ("a", "b"), str(tmp_path / "b/1.wav"): ("b",)}


# ---- a file is in one fold ----


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_in_another_fold_is_a_leak(tmp_path: Path, way: str) -> None:
    folders(tmp_path, "a", "b", "c")
    WAYS[way](tmp_path / "a/0.wav", tmp_path / "c/copy.wav")
    clips = recordings.find(str(table(tmp_path, "a/0.wav,a,,,1", "b/1.wav,b,,,2", "c/copy.wav,a,,,2")))
    with pytest.raises(ConfigError, match=r"c/copy\.wav: in the folds 1.* and 2; one it is") as raised:
        folds.splits(clips)
    said = f"as {tmp_path}/a/0.wav, which holds the same"
    assert (said in str(raised.value)) == (way != "symbolic link")


@pytest.mark.parametrize("way", WAYS)
def test_copies_are_held_out_together(tmp_path: Path, way: str) -> None:
    folders(tmp_path, *"abcdef")
    WAYS[way](tmp_path / "a/0.wav", tmp_path / "f/copy.wav")
    rows = [f"{name}/{number}.wav,x" for number, name in enumerate("abcde")]
    clips = recordings.find(str(table(tmp_path, *rows, "f/5.wav,y", "f/copy.wav,x,1,2")))
    assert len(clips) == 7
    for seed in range(20):
        fold = {Path(clip.path).name: clip.fold for clip in folds.held_out(clips, 0.5, seed)}
        assert fold["0.wav"] == fold["copy.wav"]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_copy_is_heard_in_training(tmp_path: Path, way: str) -> None:
    pytest.importorskip("numba", reason="training needs birdfast[train]")
    pytest.importorskip("sklearn", reason="training needs birdfast[train]")
    from birdfast.train import recipe, stages

    folders(tmp_path, "a", "b", "c")
    WAYS[way](tmp_path / "a/0.wav", tmp_path / "more.wav")
    a, b, c, more = (
        Clip(str(tmp_path / name), (name[0],)) for name in ("a/0.wav", "b/1.wav", "c/2.wav", "more.wav")
    )
    training = stages.Training(recipe.load(), [b, c, more], [more], ["a", "b", "c", "m"], exclusive=True)
    without = training.without([a])
    assert (without.clips, without.unlabelled) == ([b, c], [])


def test_files_are_read_only_where_their_size_is_anothers_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = contents.hashlib.file_digest
    monkeypatch.setattr(
        contents.hashlib,
        "file_digest",
        lambda file, how: read.append(Path(file.name).name) or digest(file, how),
    )
    for name, data in {"a": b"one", "b": b"two", "c": b"one", "d": b"longer", "e": b"", "f": b""}.items():
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "g")
    paths = [str(tmp_path / name) for name in "abcdefgh"]
    for _ in range(2):
        found = [Path(name).name for name in contents.named(paths).values()]
        assert found == ["a", "b", "a", "d", "e", "f", "g", "h"]
    assert sorted(read) == ["a", "b", "c"]
    (tmp_path / "c").write_bytes(b"two")
    os.utime(tmp_path / "c", ns=(1, 1))
    assert Path(contents.named(paths)[paths[2]]).name == "b", "what a file holds decides, not what it held"


def test_files_are_read_at_the_same_time_and_told_apart_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3)
    digest = contents.hashlib.file_digest

    def wait(file: object, how: str) -> object:
        together.wait(60)  # who reads alone waits in vain
        return digest(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(contents.hashlib, "file_digest", wait)
    for name, data in {"a": b"one", "b": b"two", "c": b"one"}.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in "abc"]
    assert [Path(name).name for name in contents.named(paths, n_workers=3).values()] == ["a", "b", "a"]


@pytest.mark.parametrize(("bar", "much", "shown"), [(True, 1, True), (True, 100, False), (False, 1, False)])
def test_who_waits_sees_how_far_the_search_for_copies_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bar: bool, much: int, shown: bool
) -> None:
    begun: list[tuple[int, bool]] = []
    made = bars.of_recordings

    def of_recordings(total: int, *, shown: bool, doing: str) -> object:
        begun.append((total, shown))
        return made(total, shown=shown, doing=doing)

    monkeypatch.setattr(bars, "of_recordings", of_recordings)
    monkeypatch.setattr(contents, "MUCH_BYTES", much)
    for name in ("a/1.wav", "b/1.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(name.encode())
    for _ in range(2):  # the second time nothing is to be read
        recordings.find(str(tmp_path), bar=bar)
    assert begun == [(2, shown)]


# ---- what a training leaves ----


def test_a_killed_trainings_parts_are_removed_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs birdfast[train]")
    from birdfast.train import keep

    stages = tmp_path / "stages"
    stages.mkdir()
    ours = [
        *("model.toml", "evaluation.json", "evaluation.csv", "centroids.npy", "layer0_weight.npy"),
        *("confusion.csv", "confusion.png", "held_out.csv", "held_out.parquet", "held_out_truth.csv"),
        *("stages/codebook.npz", "stages/head.npz", f"stages/skipgram-{'0a' * 16}.npz"),
    ]
    others = [".download.part", ".mine.npy.abc_1234.part", ".model.toml.part", ".model.toml.a.b.part"]
    for name in ours:
        (tmp_path / name).with_name(f".{Path(name).name}.abc_1234.part").touch()
        (tmp_path / name).touch()
    for name in others:
        (tmp_path / name).touch()
        (stages / name).touch()
    (stages / ".head.npz.abc_1234.part").rename(tmp_path / ".head.npz.abc_1234.part")  # not where it belongs
    keep.tidy(tmp_path, stages)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*ours, *others, *(f"stages/{name}" for name in others), ".head.npz.abc_1234.part"}
