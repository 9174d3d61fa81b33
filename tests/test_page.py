"""The page of a run: its rows are the run's, nothing is injected, and a server gives only what they name."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import audio, inputs, models
from birdfast.audio import cutting
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.errors import AudioError, ConfigError
from birdfast.journal import stamp
from birdfast.outcomes import Detection
from birdfast.runs import How, Results, Run
from birdfast.tables import Result

from .commands import birdfast, started
from .pages import ODD, invented
from .recordings import noise, write

pytest.importorskip("jinja2", reason="pages need the extra [report]")
pytest.importorskip("matplotlib", reason="pages need the extra [report]")

from birdfast.report import clips, columns, gather, making, page
from birdfast.report.clips import Sound
from birdfast.report.effort import Effort
from birdfast.report.gathered import Gathered
from birdfast.report.rows import ROW, Best
from birdfast.report.server import Server

SITE = "WOOD_20250601_053000"


@pytest.fixture(scope="module")
def heard(tiny: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of three recordings and one that is none."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "in").mkdir()
    for number in range(3):
        write(folder / "in" / f"{SITE[:-1]}{number}.wav", noise(9_000 * (number + 2), seed=number), 8_000)
    (folder / "in" / "none.wav").write_text("no sound")
    how = Options(min_confidence=0, top_k=1)
    Run(inputs.find([str(folder / "in")]), [tiny], how, folder / "out", How(n_workers=1)).work()
    return folder / "out"


@contextmanager
def serving(gathered: Gathered) -> Iterator[Server]:
    with Server(gathered, Sound(gathered)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asked(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": f"127.0.0.1:{server.server_port}", **headers}.items():
        if value:
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


class Scripts(HTMLParser):
    """The scripts of a page, as a browser takes them apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[str] = []
        self._is_in = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.found.append((dict(attrs), ""))
            self._is_in = True

    def handle_endtag(self, tag: str) -> None:
        self._is_in &= tag != "script"

    def handle_data(self, data: str) -> None:
        if self._is_in:
            kind, before = self.found[-1]
            self.found[-1] = kind, before + data


def detections(confidences: list[float], name: str = "Avis") -> list[Detection]:
    return [
        Detection(n * 3.0, n * 3.0 + 3, name, name, value, "a.wav") for n, value in enumerate(confidences)
    ]


class TestRows:
    @settings(max_examples=40)
    @given(st.lists(st.lists(st.integers(0, 9), max_size=7), max_size=9), st.integers(1, 6))
    def test_the_most_confident_stay_in_their_order(self, files: list[list[int]], most: int) -> None:
        best = Best(most)
        every = []
        for number, values in enumerate(files):
            best.add(number, detections([value / 10 for value in values]))
            every += [(number, place * 3.0, value) for place, value in enumerate(values)]
        kept = sorted(sorted(range(len(every)), key=lambda place: -every[place][2])[:most])
        rows = best.rows()
        found = list(zip(rows["file"].tolist(), rows["start_s"].tolist(), strict=True))
        assert found == [every[place][:2] for place in kept]
        assert best.n == len(every) == best.counts().sum()

    def test_memory_does_not_grow_with_the_rows(self) -> None:
        best = Best(10)
        for number in range(200):
            best.add(number, detections([0.5] * 7))
            assert sum(map(len, best._blocks)) < 2 * 10 + 7

    def test_files_are_numbered_anew(self) -> None:
        best = Best(2)
        for number, value in enumerate([0.1, 0.9, 0.2, 0.8]):
            best.add(number, detections([value]))
        assert best.renumber().tolist() == [1, 3]
        assert best.rows()["file"].tolist() == [0, 1]

    def test_the_best_of_each_species_come_in_turn(self) -> None:
        best = Best(100)
        best.add(0, [*detections([0.1, 0.9, 0.5], "a"), *detections([0.3, 0.2], "b")])
        gathered = invented(1)._replace(rows=best.rows())
        assert [rows.tolist() for rows in clips.best(gathered, 5)] == [[1, 3], [2, 4], [0]]


def test_effort_is_told_by_hour_and_day() -> None:
    effort = Effort()
    facts = {"time": datetime(2025, 6, 1, 23, 30), "site": "WOOD"}
    effort.add(Result("a.wav", [], audio_s=3600.0, facts=facts))
    effort.add(Result("b.wav", [], audio_s=60.0))
    assert (effort.by_hour[23], effort.by_hour[0], sum(effort.by_hour)) == (1800, 1800, 3600)
    assert sorted(effort.by_site_and_day.values()) == [1800, 1800]
    assert effort.unknown_s == 60


class TestPage:
    def test_its_rows_are_the_runs(self, heard: Path) -> None:
        gathered = gather(heard)
        told = columns.told(gathered)
        of = {
            name: np.frombuffer(base64.b64decode(text), ROW[name]) for name, text in told["columns"].items()
        }
        found = [
            (told["files"]["path"][file], start_s, end_s, told["species"]["scientific"][species], confidence)
            for file, start_s, end_s, species, confidence in zip(
                *(of[name].tolist() for name in ("file", "start_s", "end_s", "species", "confidence")),
                strict=True,
            )
        ]
        assert found == [
            (d.file, d.start_s, d.end_s, d.scientific_name, pytest.approx(d.confidence))
            for d in Results(heard)
        ]
        assert (told["run"]["done"], told["run"]["failed"], told["n_failures"]) == (3, 1, {"AudioError": 1})
        assert told["sites"] == ["WOOD"]

    def test_nothing_is_injected(self) -> None:
        gathered = invented(500)
        text = page.html(columns.told(gathered))
        parsed = Scripts(text)
        data, sound, program = (content for _, content in parsed.found)
        assert json.loads(data)["species"]["common"][: len(ODD)] == list(ODD)
        assert json.loads(sound) == {"clips": [], "alike": {}}
        assert parsed.tags.count("img") == 1  # our own, for pictures
        assert not set("<>&\u2028\u2029") & set(data)
        assert "innerHTML" not in program
        assert "eval(" not in program

    @given(st.text(st.characters(codec=None, exclude_categories=())))
    def test_names_come_through_as_they_are(self, name: str) -> None:
        text = columns.script({"name": name})
        assert not re.search("[<>&\u2028\u2029]", text)
        if not re.search("[\ud800-\udfff]", name):
            assert json.loads(text) == {"name": name}

    def test_browsers_run_what_was_written_here_alone(self) -> None:
        text = page.html(columns.told(invented(10)))
        policy = re.search('Content-Security-Policy" content="([^"]*)"', text)
        assert policy is not None
        assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
        assert "unsafe" not in policy[1]
        assert not re.search(r"\bon\w+=|style=|https?://(?!www\.w3\.org/2000/svg)", text.split("<script")[0])

    def test_a_hundred_thousand_rows_are_small(self, tmp_path: Path) -> None:
        making.write(invented(100_000), tmp_path / "x.html")
        assert (tmp_path / "x.html").stat().st_size < 15e6

    def test_clips_stay_within_their_room(self, heard: Path, tmp_path: Path) -> None:
        gathered, sizes = gather(heard), []
        for clips_mb in (0, 0.1, 5):
            found = making.write(gathered, tmp_path / "x.html", Sound(gathered), clips_mb=clips_mb, best=9)
            sizes.append((found.n_clips, (tmp_path / "x.html").stat().st_size))
        (none, least), (some, middle), (many, _) = sizes
        assert none == 0 < some < many
        assert middle < least + 0.1e6 + 2000

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(1, 9), max_size=12), st.integers(0, 40), st.randoms(use_true_random=False))
    def test_the_first_ones_that_fit_are_kept_whatever_comes_first(
        self, sizes: list[int], room: int, random: Random
    ) -> None:
        """Of clips in any order those are kept that fit one after the other in the order of who is best."""
        order = list(range(len(sizes)))
        random.shuffle(order)
        held = making._Room(order, room * 4)
        for row in range(len(sizes)):  # as they lie in the recordings
            if held.takes(row):
                held.add(clips.Clip(row, 0, 1, 1, bytes(3 * sizes[row]), b""))
        ends = np.cumsum([sizes[row] for row in order])
        n = int(np.count_nonzero(ends <= room))
        assert [clip.row for clip in held.clips()] == order[:n]

    @pytest.mark.parametrize("beside", [False, True])
    def test_each_recording_is_opened_once(
        self, heard: Path, tmp_path: Path, beside: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gathered, opened = gather(heard), Counter[str]()
        whole = cutting.Recording

        def counting(path: str, **how: object) -> audio.Recording:
            opened[path] += 1
            return whole(path, **how)

        monkeypatch.setattr(cutting, "Recording", counting)
        making.write(gathered, tmp_path / "x.html", Sound(gathered), best=9, beside=beside)
        assert set(opened.values()) == {1}
        assert len(opened) == 3

    def test_a_page_is_the_same_bytes_each_time(self, heard: Path, tmp_path: Path) -> None:
        for name in "ab":
            gathered = gather(heard)
            making.write(gathered, tmp_path / name, Sound(gathered), best=9)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_a_clip_of_a_page_is_that_of_clips(self, heard: Path) -> None:
        gathered = gather(heard)
        one = gathered.rows[0]
        whole, rate_hz = audio.read(gathered.files[one["file"]].path)
        clip = Sound(gathered, 0).clip(0)
        part = whole[round(clip.from_s * rate_hz) : round(clip.to_s * rate_hz)]
        assert clip.sound == clips.encoded(part, rate_hz)

    def test_clips_lie_beside_it_and_no_others(self, heard: Path, tmp_path: Path) -> None:
        gathered = gather(heard)
        for best in (4, 1):
            found = making.write(gathered, tmp_path / "a b.html", Sound(gathered), best=best, beside=True)
        there = sorted(path.name for path in (tmp_path / "a b-clips").iterdir())
        assert len(there) == 2 * found.n_clips > 0
        assert f"a%20b-clips/{there[0]}" in (tmp_path / "a b.html").read_text()
        assert audio.read(tmp_path / "a b-clips" / there[0])[1] == 8_000

    def test_a_recording_that_is_another_by_now_gives_no_clip(self, heard: Path, tmp_path: Path) -> None:
        gathered = gather(heard)
        write(tmp_path / "secret.wav", noise(90_000), 8_000)
        link = tmp_path / "link.wav"
        link.symlink_to(tmp_path / "secret.wav")
        file = gathered.files[0]._replace(path=str(link))
        with pytest.raises(AudioError, match="no longer the file that was heard"):
            Sound(gathered._replace(files=[file, *gathered.files[1:]])).clip(0)

    def test_a_recording_is_known_by_its_content_whatever_leads_to_it(
        self, heard: Path, tmp_path: Path
    ) -> None:
        """As git-annex has it: a link then and now, to content that may have been fetched again since."""
        gathered = gather(heard)
        place, kept = Path(gathered.files[0].path), tmp_path / "objects"
        other = write(tmp_path / "other.wav", noise(18_000, seed=9), 8_000)
        assert other.stat().st_size == place.stat().st_size
        shutil.copy2(place, kept)
        link = tmp_path / "link.wav"
        named = Sound(
            gathered._replace(files=[gathered.files[0]._replace(path=str(link)), *gathered.files[1:]])
        )

        def lead(to: Path) -> None:
            link.unlink(missing_ok=True)
            link.symlink_to(to)

        lead(kept)
        assert named.clip(0) == Sound(gathered).clip(0)
        os.utime(kept, ns=(0, 0))  # fetched again
        assert named.clip(0).sound == Sound(gathered).clip(0).sound
        os.utime(other, ns=(0, gathered.files[0].stamp.mtime_ns))
        for gone in (other, Path("/dev/zero"), tmp_path, tmp_path / "none"):
            lead(gone)
            with pytest.raises(AudioError, match=r"no longer the file that was heard|no such file"):
                named.clip(0)

    def test_one_that_was_changed_behind_its_head_is_said(
        self, heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody can tell it from a copy that was fetched again: of both it is said, and both are heard."""
        monkeypatch.setattr(stamp, "HEAD_BYTES", 1_000)
        gathered = gather(heard)
        changed = tmp_path / "changed.wav"
        shutil.copy2(gathered.files[0].path, changed)
        its_head = stamp.head(os.fsencode(changed))
        files = [gathered.files[0]._replace(path=str(changed), head=its_head), *gathered.files[1:]]
        gathered = gathered._replace(files=files)
        assert Sound(gathered).clip(0).doubt == ""
        was_ns = gathered.files[0].stamp.mtime_ns
        os.utime(changed, ns=(0, was_ns + stamp.HOUR_NS))  # FAT, and summer time
        assert Sound(gathered).clip(0).doubt == ""
        with changed.open("r+b") as file:
            file.seek(-8, os.SEEK_END)
            file.write(b"another!")
        os.utime(changed, ns=(0, was_ns + 1_000_000))
        assert Sound(gathered).clip(0).doubt == stamp.TOUCHED
        found = making.write(gathered, tmp_path / "page.html", Sound(gathered))
        assert found.doubtful == {str(changed): f"{changed}: {stamp.TOUCHED}"}
        assert f"Its recording {stamp.TOUCHED}." in (tmp_path / "page.html").read_text()
        monkeypatch.setattr(
            stamp, "HEAD_BYTES", changed.stat().st_size
        )  # behind such a head there is nothing
        files[0] = files[0]._replace(head=stamp.head(os.fsencode(changed)))
        assert Sound(gathered._replace(files=files)).clip(0).doubt == ""

    def test_one_that_is_put_in_its_place_while_it_is_read_is_not_shown(
        self, heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gathered = gather(heard)
        link, secret = tmp_path / "link.wav", write(tmp_path / "secret.wav", noise(90_000, seed=9), 8_000)
        link.symlink_to(gathered.files[0].path)
        file = gathered.files[0]._replace(path=str(link))
        whole = cutting.Recording

        def swapped(path: str, **how: object) -> audio.Recording:
            link.unlink()
            link.symlink_to(secret)
            return whole(path, **how)

        monkeypatch.setattr(cutting, "Recording", swapped)
        with pytest.raises(AudioError, match="no longer the file that was heard"):
            Sound(gathered._replace(files=[file, *gathered.files[1:]])).clip(0)

    def test_clips_are_bounded(self, heard: Path) -> None:
        gathered = gather(heard)
        gathered.rows["end_s"] = 1e9
        clip = Sound(gathered).clip(0)
        assert clip.to_s - clip.from_s <= clips.LONGEST_S

    def test_what_is_no_page_of_ours_stays(self, tmp_path: Path) -> None:
        (tmp_path / "x.html").write_text("<p>mine")
        with pytest.raises(ConfigError, match="no page of ours"):
            making.check(tmp_path / "x.html")
        making.check(tmp_path / "x.html", force=True)
        making.write(invented(3), tmp_path / "x.html")
        making.check(tmp_path / "x.html")


class TestServer:
    def test_only_what_the_results_name(self, heard: Path, tmp_path: Path) -> None:
        gathered = gather(heard)
        with serving(gathered) as server:
            root, n = server.root, len(gathered.rows)
            assert server.server_address[0] == "127.0.0.1"
            assert asked(server, root) == (200, server.html)
            status, content = asked(server, f"{root}clip/{n - 1}")
            assert (status, json.loads(content)["row"]) == (200, n - 1)
            others = [
                "clip/",
                f"clip/{n}",
                "clip/-1",
                "clip/0/",
                "clip/0?x=1",
                "clip/../clip/0",
                "clip/%30",
            ]
            others += [
                f"../{root}",
                "etc/passwd",
                "../../etc/passwd",
                str(heard / "journal.sqlite"),
                "clip/" + "9" * 99,
            ]
            for path in others:
                assert asked(server, f"{root}{path}")[0] == 404, path
            for path in ("/", "/clip/0", "//", f"/x{root}", root[:-1], f"{root[:-2]}x/", "/etc/passwd"):
                assert asked(server, path)[0] == 404, path
            for host in (
                "evil.example",
                f"evil.example:{server.server_port}",
                "127.0.0.1",
                "localhost:1",
                "",
            ):
                assert asked(server, root, Host=host)[0] == 403, host
            assert asked(server, root, Host=f"localhost:{server.server_port}")[0] == 200
            assert asked(server, root, "POST")[0] == 501

    def test_a_link_in_a_recordings_place_is_not_followed(self, heard: Path, tmp_path: Path) -> None:
        gathered = gather(heard)
        place, aside = Path(gathered.files[0].path), tmp_path / "aside.wav"
        secret = write(tmp_path / "secret.wav", noise(18_000, seed=9), 8_000)
        os.utime(secret, ns=(0, place.stat().st_mtime_ns))
        place.rename(aside)
        try:
            place.symlink_to(secret)
            with serving(gathered) as server:
                status, content = asked(server, f"{server.root}clip/0")
            assert status == 404
            assert "no longer the file that was heard" in json.loads(content)["error"]
        finally:
            place.unlink()
            aside.rename(place)

    def test_a_hundred_at_once_are_answered(self, heard: Path) -> None:
        gathered = gather(heard)
        with serving(gathered) as server, ThreadPoolExecutor(100) as pool:
            n = len(gathered.rows)
            found = list(pool.map(lambda k: asked(server, f"{server.root}clip/{k % n}"), range(100)))
        assert {status for status, _ in found} == {200}
        assert [json.loads(content)["row"] for _, content in found] == [k % n for k in range(100)]


class TestCommand:
    def test_it_serves_until_it_is_stopped(self, heard: Path) -> None:
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with started(sys.executable, "-m", "birdfast", "report", heard, "--serve", **how) as process:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert b"What was heard" in answer.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == exits.INTERRUPTED

    def test_it_writes_into_the_results(self, heard: Path) -> None:
        done = birdfast("report", heard)
        assert (done.returncode, done.stderr) == (exits.FINE, "")
        assert f"written: {heard / 'report.html'}" in done.stdout
        assert birdfast("report", heard, "--most", 2).stderr.startswith(
            "birdfast: shown are the 2 most confident"
        )

    def test_what_does_not_fit_is_said(self, heard: Path, tmp_path: Path) -> None:
        for arguments, said in (
            ([tmp_path], "no journal of a run"),
            ([heard, "--serve", "-o", "x.html"], "writes nothing"),
            ([heard, "--serve", "99999"], "port"),
            ([heard, "--context", "nan"], "context"),
            ([heard, "--clips-mb", "-1"], "clips_mb"),
            ([heard, "-o", tmp_path / "none" / "x.html"], "cannot be written into"),
        ):
            done = birdfast("report", *arguments)
            assert done.returncode == exits.USAGE, done
            assert said in done.stderr
            assert "Traceback" not in done.stderr
