"""The pages of docs/ are true: what they tell a reader to do is done, and comes out as they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import birdfast

from . import docpages

# What a page needs beside birdfast itself, by the fixtures that know whether it is here.
NEEDS = {
    "asking-again": ("birdnet",),
    "birdclef": ("birdnet", "training"),
    "first-hour": ("birdnet", "judging"),
    "formats": ("birdnet",),
    "live": ("birdnet", "judging"),
    "long-runs": ("birdnet",),
    "look-and-listen": ("birdnet", "judging"),
    "python": ("birdnet", "judging", "dataframes"),
    "same-results": ("birdnet",),
    "species-place-time": ("birdnet",),
    "switching": ("birdnet",),
    "training": ("birdnet", "training"),
}
PAGES = sorted(docpages.DOCS.glob("*.md"))


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return docpages.lay(tmp_path_factory.mktemp("laid"))


@pytest.fixture
def training() -> None:
    pytest.importorskip("numba", reason="training needs birdfast[train]")
    pytest.importorskip("sklearn", reason="training needs birdfast[train]")


@pytest.fixture
def judging() -> None:
    pytest.importorskip("sklearn", reason="judging needs birdfast[train]")
    pytest.importorskip("matplotlib", reason="pictures need birdfast[report]")


@pytest.fixture
def dataframes() -> None:
    pytest.importorskip("pandas", reason="data frames need birdfast[readers]")


@pytest.mark.long
@pytest.mark.parametrize("name", NEEDS)
def test_a_page_is_true(name: str, laid: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for need in NEEDS[name]:
        request.getfixturevalue(need)
    folder = tmp_path / name
    shutil.copytree(laid, folder)
    docpages.Reader(folder).follow(docpages.DOCS / f"{name}.md")


def test_every_page_that_tells_to_do_something_is_followed() -> None:
    every = [(page.stem, one.kind) for page in PAGES for one in docpages.blocks(page.read_text("utf-8"))]
    assert {name for name, kind in every if kind in ("console", "python")} == {*NEEDS}


def test_what_a_run_is_told_to_take_by_name_stands_in_the_api() -> None:
    named = re.findall(r"`(workers\.[a-z_.]+\.[A-Z]\w+)`", birdfast.run.__doc__ or "")
    page = (docpages.DOCS / "api.md").read_text("utf-8")
    assert named == ["workers.executor.Executor"]
    assert all(f".. autoclass:: birdfast.{name}()" in page for name in named)


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = re.findall(r"^([a-z-]+)$", (docpages.DOCS / "index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted({page.stem for page in PAGES} - {"index"})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```console\n$ ls\nnothing\n```\n", "the page has"),
        ("```console\n$ ls nowhere\n```\n", "ended with 2"),
        ("```console\n$ ls nowhere\n$ echo $?\n3\n```\n", "the page has"),
        ("```console\n$ rm -r .\n```\n", "rm -r"),
        ("```python\nraise SystemExit(1)\n```\n", "ended with 1"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "the page has"),
    ],
)
def test_a_page_that_is_not_true_is_seen(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(AssertionError, match=fault):
        docpages.Reader(tmp_path).follow(tmp_path / "page.md")


@pytest.mark.parametrize(
    ("wanted", "printed", "is_so"),
    [
        ("a ... d\n", "a b\nc d\n", True),
        ("a ... d\n", "a b\nc e\n", False),
        ("0.9692,a,0.9999\n", "0.9693,a,1.0000\n", True),
        ("0.9692,a,0.9999\n", "0.9792,a,0.9999\n", False),
        ("18.5\n", "18.6\n", False),
        ("...\n", "\n", True),
        ("(1)\n", "1\n", False),
    ],
)
def test_dots_are_anything_and_confidences_near_enough(wanted: str, printed: str, is_so: bool) -> None:
    assert docpages.is_so(wanted, printed) == is_so


def test_a_reader_finds_what_a_page_shows(tmp_path: Path) -> None:
    parts = (
        "```{code-block} text\n:caption: a.txt\n\none\ntwo\n```",
        "```console\n$ head \\\n    -n 1 a.txt\none\n$ ls nowhere\n...\n$ echo $?\n2\n```",
        "```python\nprint(open('a.txt').read())\n```",
        "```text\n...two\n```",
    )
    (tmp_path / "page.md").write_text("\n\n".join(parts) + "\n")
    docpages.Reader(tmp_path).follow(tmp_path / "page.md")
    assert (tmp_path / "a.txt").read_text() == "one\ntwo\n"
