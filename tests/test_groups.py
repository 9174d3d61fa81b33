"""What is of one group is on one side: in folds, in what is held out, and in what is not heard of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.errors import ConfigError
from birdfast.train import folds, groups, innerfolds, recordings
from birdfast.train.recordings import Clip

CLIPS = st.lists(
    st.builds(
        Clip,
        st.sampled_from([f"{n}.wav" for n in range(30)]),
        st.sampled_from([("a",), ("b",), ("a", "b"), ()]),
        groups=st.lists(st.sampled_from("vwxyz"), max_size=2, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=40,
)


def together(clips: list[Clip]) -> list[set[int]]:
    """Return what belongs together, found the slow way."""
    sets = [{number} for number in range(len(clips))]
    for one, clip in enumerate(clips):
        for other in range(one):
            if clips[other].path == clip.path or {*clips[other].groups} & {*clip.groups}:
                joined = sets[one] | sets[other]
                for number in joined:
                    sets[number] = joined
    return sets


@given(clips=CLIPS)
def test_clips_have_one_name_where_files_or_groups_join_them(clips: list[Clip]) -> None:
    names = groups.named(clips)
    for one, its in enumerate(together(clips)):
        assert {number for number, name in enumerate(names) if name == names[one]} == its


@given(clips=CLIPS, share=st.floats(0.05, 0.95), seed=st.integers(0, 3))
def test_a_share_that_is_held_out_parts_no_group(clips: list[Clip], share: float, seed: int) -> None:
    try:
        found = folds.held_out(clips, share, seed)
    except ConfigError as error:
        assert "less than half" in str(error)  # noqa: PT017
        return
    assert [(clip.path, clip.labels) for clip in found] == [(clip.path, clip.labels) for clip in clips]
    for its in together(clips):
        assert len({found[number].fold for number in its}) == 1


def test_one_of_five_sites_is_a_fifth_of_every_class() -> None:
    clips = [Clip(f"{n}.wav", ("ab"[n % 2],), groups=(f"site {n // 10}",)) for n in range(50)]
    for seed in range(10):
        held = [clip for clip in folds.held_out(clips, 0.2, seed) if clip.fold == "held out"]
        assert len(held) == 10


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_a_share_is_of_whole_folds_where_some_are_that(share: float) -> None:
    clips = [Clip(f"{n}.wav", ("ab"[n // 5 % 2],), fold=f"site {n % 5}") for n in range(50)]
    for seed in range(5):
        said = list[str]()
        held = [clip.fold == "held out" for clip in folds.held_out(clips, share, seed, said.append)]
        sites = {clip.fold for clip, its in zip(clips, held, strict=True) if its}
        assert held == [clip.fold in sites for clip in clips]
        assert len(sites) == round(5 * share)
        assert said == [f"held out: of the CSV's folds {', '.join(sorted(sites))}"]


@pytest.mark.parametrize(("n_folds", "share"), [(2, 0.2), (2, 0.8), (5, 0.05), (50, 0.2)])
def test_a_share_that_is_no_whole_folds_is_of_files_and_that_is_said(n_folds: int, share: float) -> None:
    clips = [Clip(f"{n}.wav", ("ab"[n % 2],), fold=f"{n % n_folds}") for n in range(50)]
    if n_folds == 50:  # a class of one file is in one fold
        clips.append(Clip("c.wav", ("c",), fold="0"))
    said = list[str]()
    found = folds.held_out(clips, share, 0, said.append)
    assert found == folds.held_out([replace(clip, fold="") for clip in clips], share, 0)
    (line,) = said
    assert "whatever their folds in the CSV" in line


@given(clips=CLIPS, n=st.integers(1, 3))
def test_nothing_is_heard_of_the_group_of_what_is_held_out(clips: list[Clip], n: int) -> None:
    (kept,) = groups.apart(clips[:n], clips)
    out = set[int]().union(*together(clips)[:n])
    assert kept == [clip for number, clip in enumerate(clips) if number not in out]


@given(clips=CLIPS, n_folds=st.integers(2, 5), seed=st.integers(0, 3), data=st.data())
def test_inner_folds_part_no_group(clips: list[Clip], n_folds: int, seed: int, data: st.DataObject) -> None:
    if data.draw(st.booleans()):  # a table has folds, which may have parts of a file in several
        clips = [replace(clip, fold=data.draw(st.sampled_from("12345678"))) for clip in clips]
    within = innerfolds.of_clips(clips, n_folds, seed)
    for its in together(clips):
        assert len({within[number].tobytes() for number in its}) == 1


def test_folds_with_a_file_in_common_are_one_and_too_few_part_nothing() -> None:
    clips = [Clip(f"{n}.wav", fold=str(n % 5)) for n in range(20)]
    joined = [*clips, Clip("0.wav", start_s=1.0, fold="1")]
    names = innerfolds.sources(joined)
    assert len({*names}) == 4
    assert names[0] == names[1] == names[20]
    assert names[2] == names[7] != names[3]
    for number in (2, 3):
        joined.append(Clip("0.wav", start_s=float(number), fold=str(number)))
    assert len({*innerfolds.sources(joined)}) == 20  # of two folds, half is left: files are parted


def test_a_group_in_two_folds_is_refused() -> None:
    clips = [Clip("a.wav", ("x",), fold="1", groups=("s",)), Clip("b.wav", ("y",), fold="2", groups=("s",))]
    with pytest.raises(
        ConfigError, match=r"b\.wav: in the folds 1 \(as \S*a\.wav, of the same group\) and 2"
    ):
        folds.splits(clips)


def test_a_table_tells_groups(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(name.encode())
    rows = ["file,label,group", "a.wav,x,site 1; kim ;kim", "b.wav,y,", "a.wav,z,site 2"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    found = recordings.find(str(tmp_path / "clips.csv"))
    assert [clip.groups for clip in found] == [("site 1", "kim", "site 2"), ()]
    assert found[0].labels == ("x", "z")
