"""The page is used as people use it, in a browser: searched, sorted, heard, answered by keys, exported."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from birdfast import annotations, inputs, models
from birdfast.config import Options
from birdfast.runs import How, Results, Run
from birdfast.train import recordings

from .commands import birdfast, table
from .pages import ODD, browser, invented
from .recordings import noise, write
from .test_page import serving

pytest.importorskip("selenium", reason="selenium is not installed, it is of the extra dev")

from birdfast.report import Sound, gather, making

pytestmark = pytest.mark.long
LIMIT_S = 60


@pytest.fixture(scope="module")
def heard(tiny: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which out/ is a run of the recordings in in/, whose paths are seen from there."""
    folder = tmp_path_factory.mktemp("clicked")
    (folder / "in").mkdir()
    for number in range(2):
        write(folder / "in" / f"S{number}_20250601_0{number}3000.wav", noise(80_000, seed=number), 8_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        how = Options(min_confidence=0, top_k=1)
        Run(inputs.find(["in"]), [tiny], how, "out", How(n_workers=1)).work()
        gathered = gather(Path("out"))
        making.write(gathered, Path("out/report.html"), Sound(gathered), best=99)
        making.write(gathered, Path("out/beside.html"), Sound(gathered), best=3, beside=True)
    return folder


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def chromium(downloads: Path) -> Iterator[Any]:
    with browser(downloads) as one:
        yield one
        assert [entry for entry in one.get_log("browser") if "favicon" not in entry["message"]] == []


def opened(chromium: Any, where: Path | str) -> None:
    chromium.get(where if isinstance(where, str) else where.as_uri())
    until(lambda: ran(chromium, "return performance.getEntriesByName('drawn').length") == 1)


def ran(chromium: Any, script: str, *arguments: object) -> Any:
    return chromium.execute_script(script, *arguments)


def until(is_so: Callable[[], object]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.05)


def keys(chromium: Any, text: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(chromium).send_keys(text).perform()


def typed(chromium: Any, place: str, text: str) -> None:
    piece = chromium.find_element("id", place)
    piece.clear()
    piece.send_keys(text)


def said(chromium: Any, place: str) -> str:
    return str(chromium.find_element("id", place).text)


def column(chromium: Any, name: str) -> list[str]:
    script = "return [...document.querySelectorAll(`#sizer .${arguments[0]}`)].map((cell) => cell.innerText)"
    return [str(text) for text in ran(chromium, script, name)]


def test_a_large_run_is_searched_filtered_and_sorted(chromium: Any, tmp_path: Path) -> None:
    making.write(invented(100_000), tmp_path / "large.html")
    opened(chromium, tmp_path / "large.html")
    assert said(chromium, "shown") == "100,000 of 100,000 detections"
    assert 10 < len(column(chromium, "species")) < 60  # what is seen, not all rows
    confidences = [float(text.split()[0]) for text in column(chromium, "confidence")]
    assert confidences == sorted(confidences, reverse=True)

    chromium.find_element("css selector", "[data-sort=confidence]").click()
    confidences = [float(text.split()[0]) for text in column(chromium, "confidence")]
    assert confidences == sorted(confidences)
    chromium.find_element("css selector", "[data-sort=species]").click()
    names = column(chromium, "species")
    assert len(set(names)) == 1

    typed(chromium, "text", "NUMERO17 wav")
    until(lambda: "Bird number 17" in column(chromium, "species")[0])
    n_found = int(said(chromium, "shown").split()[0].replace(",", ""))
    assert 0 < n_found < 100_000
    assert said(chromium, "species-title") == "Species (1)"
    chromium.find_element("css selector", "#filters [type=reset]").click()
    until(lambda: said(chromium, "shown").startswith("100,000"))
    chromium.find_element("css selector", "#species-chart button").click()  # the most frequent one
    until(lambda: not said(chromium, "shown").startswith("100,000"))
    assert {text.split("\n")[0] for text in column(chromium, "species")} == {ODD[0]}


def test_nothing_is_injected_by_names(chromium: Any, tmp_path: Path) -> None:
    making.write(invented(2_000), tmp_path / "odd.html")
    opened(chromium, tmp_path / "odd.html")
    assert ran(chromium, "return document.images.length") == 1
    assert ran(chromium, "return document.scripts.length") == 3
    assert ODD[1] in said(chromium, "species-chart")
    ran(chromium, "document.getElementById('failures').open = true")
    assert ODD[1] in said(chromium, "failures")
    ran(
        chromium,
        """
        const another = document.createElement("script");
        another.textContent = "window.ran = 1";
        document.body.append(another);""",
    )
    assert ran(chromium, "return window.ran === undefined")
    assert "Content Security Policy" in chromium.get_log("browser")[0]["message"]  # and that is all it says


def test_a_review_by_keys_is_kept_exported_and_judged(chromium: Any, heard: Path, downloads: Path) -> None:
    pytest.importorskip("sklearn.metrics", reason="judging needs birdfast[train]")
    opened(chromium, heard / "out" / "report.html")
    until(lambda: ran(chromium, "return document.getElementById('image').naturalWidth") > 100)
    keys(chromium, "l")
    until(lambda: ran(chromium, "return document.getElementById('player').currentTime") > 0.1)
    before = column(chromium, "answer")
    keys(chromium, "rwu")
    keys(chromium, "s")
    keys(chromium, 'Corvus corax, the "old" one\n')
    assert column(chromium, "answer")[:5] == [
        "✓ right",
        "✗ wrong",
        "? unsure",
        '✗ Corvus corax, the "old" one',
        "–",
    ]
    assert before[0] == "–"
    keys(chromium, "rx")  # answered, and, as the next is chosen, nothing is taken back
    keys(chromium, "p")
    keys(chromium, "x")
    assert column(chromium, "answer")[4] == "–"
    told = "4 answered: 1 right, 2 wrong, 1 unsure."
    assert said(chromium, "review-told") == told

    opened(chromium, heard / "out" / "report.html")  # once more: the browser has kept them
    assert said(chromium, "review-told") == told
    assert "33 %" in ran(chromium, "return document.getElementById('precision-chart').textContent")
    ran(chromium, "document.getElementById('export').click()")
    until(lambda: (downloads / "review.csv").exists())
    rows = table(downloads / "review.csv")
    assert [row["label"] for row in rows].count("") == 1  # the wrong one; the unsure one is left out
    assert len(rows) == 3

    review = heard / "review.csv"
    review.write_bytes((downloads / "review.csv").read_bytes())
    every = {(d.file, d.start_s, d.end_s) for d in Results(heard / "out")}
    truth = annotations.read(review)
    assert truth.are_windows
    assert {row[:3] for row in truth.rows} <= {(file, start_s, end_s) for file, start_s, end_s in every}
    clips = recordings.find(str(review))
    assert all(Path(clip.path).exists() and clip.end_s is not None for clip in clips)
    judged = birdfast("evaluate", heard / "out", "--truth", review)
    assert judged.returncode == 0, judged
    assert "3 windows" in judged.stdout + judged.stderr, judged


@pytest.mark.parametrize("is_served", [False, True])
def test_what_sounds_alike_is_found_seen_and_heard(
    chromium: Any, deep: models.Model, tmp_path: Path, is_served: bool
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        write(tmp_path / "in" / f"{number}.wav", noise(40_000, seed=0), 8_000)  # the same sound twice
    how = How(n_workers=1, kinds=("csv", "embeddings"))
    options = Options(min_confidence=0, top_k=1)
    Run(inputs.find([str(tmp_path / "in")]), [deep], options, tmp_path / "out", how).work()
    gathered = gather(tmp_path / "out", 3)  # so that in most windows nothing is shown
    making.write(gathered, tmp_path / "x.html", Sound(gathered), best=9)
    with serving(gathered) as server:
        opened(chromium, server.address if is_served else tmp_path / "x.html")
        keys(chromium, "f")
        nearest = (
            "return [...document.querySelectorAll('#alike-list .n')].map((one) => Number(one.innerText))"
        )
        until(lambda: len(ran(chromium, nearest)) == (10 if is_served else 2))
        found = ran(chromium, nearest)
        assert found == sorted(found, reverse=True)
        assert found[0] == (1 if is_served else pytest.approx(found[0]))
        ran(chromium, "document.getElementById('image').removeAttribute('src')")
        chromium.find_element("css selector", "#alike-list button").click()
        until(lambda: ran(chromium, "return document.getElementById('image').naturalWidth") > 100)
        keys(chromium, "l")
        until(lambda: ran(chromium, "return document.getElementById('player').currentTime") > 0.1)
        for number in range(len(found)):  # those in which nothing is shown take no answer
            button = chromium.find_elements("css selector", "#alike-list button")[number]
            button.click()
            is_row = "nothing shown" not in button.text
            assert chromium.find_element("id", "right").is_enabled() == is_row
            assert button.get_attribute("aria-pressed") == "true"
        if not is_served:
            return
        assert not is_row or "nothing shown" in said(chromium, "alike-list")


def test_a_run_without_embeddings_says_why_nothing_is_found(chromium: Any, heard: Path) -> None:
    opened(chromium, heard / "out" / "report.html")
    assert not chromium.find_element("id", "find").is_displayed()
    assert "--rtype embeddings" in said(chromium, "alike-told")


def test_clips_beside_the_page_are_seen_and_heard(chromium: Any, heard: Path) -> None:
    opened(chromium, heard / "out" / "beside.html")
    until(lambda: ran(chromium, "return document.getElementById('image').naturalWidth") > 100)
    keys(chromium, "l")
    until(lambda: ran(chromium, "return document.getElementById('player').currentTime") > 0.1)


def test_a_served_page_has_all_sound(chromium: Any, heard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(heard)
    with serving(gather(Path("out"))) as server:
        opened(chromium, server.address)
        for _ in range(3):
            until(lambda: ran(chromium, "return document.getElementById('image').naturalWidth") > 100)
            ran(chromium, "document.getElementById('image').removeAttribute('src')")
            keys(chromium, "n")
        keys(chromium, "l")
        until(lambda: ran(chromium, "return document.getElementById('player').currentTime") > 0.1)


# Rows whose name or time is cut or hidden, or that are higher than their place.
TOO_LARGE = """
    const large = (one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1;
    const cut = (one) => one.offsetParent === null || large(one);
    const parts = (row) => [row.querySelector(".species b"), row.querySelector(".when")];
    const rows = [...document.querySelectorAll("#sizer .line")];
    return rows.filter((row) => large(row) || parts(row).some(cut)).map((row) => row.innerText)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_theme(heard: Path, downloads: Path, scheme: str) -> None:
    with browser(downloads, 390, 844) as chromium:
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        opened(chromium, heard / "out" / "report.html")
        assert ran(chromium, "return document.documentElement.scrollWidth") <= 390
        assert ran(chromium, TOO_LARGE) == []
        ground = "return getComputedStyle(document.body).backgroundColor"
        before = ran(chromium, ground)
        chromium.find_element("id", "theme").click()
        assert ran(chromium, ground) != before
        chromium.find_element("id", "theme").click()
        assert ran(chromium, ground) == before


def test_all_can_be_done_and_read_without_a_mouse(chromium: Any, heard: Path) -> None:
    """What takes an answer has a name, the table says which row is chosen, and headings are in order."""
    opened(chromium, heard / "out" / "report.html")
    nameless = """
        const named = (one) => one.labels?.length || one.textContent.trim() || one.getAttribute("aria-label");
        return [...document.querySelectorAll("button, input, select")].filter((one) => !named(one)).length"""
    assert ran(chromium, nameless) == 0
    grid = chromium.find_element("id", "grid")
    ran(chromium, "arguments[0].focus()", grid)
    keys(chromium, "\ue015\ue015")  # down, twice
    active = grid.get_attribute("aria-activedescendant")
    assert active == "row-2"
    assert chromium.find_element("id", active).get_attribute("aria-selected") == "true"
    ids = [
        str(one) for one in ran(chromium, "return [...document.querySelectorAll('[id]')].map((a) => a.id)")
    ]
    assert len(ids) == len({*ids})
    keys(chromium, "/")
    assert ran(chromium, "return document.activeElement.id") == "text"
    keys(chromium, "r")  # is a letter here, no answer
    assert "Nothing is answered" in said(chromium, "review-told")
    ran(chromium, "document.getElementById('keys').click(); arguments[0].focus()", grid)
    keys(chromium, "r")
    assert "Nothing is answered" in said(chromium, "review-told")
