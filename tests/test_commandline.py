"""A command that is proposed is one that can be typed where it is proposed."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from birdfast import commandline
from birdfast.commandline import called

from .commands import birdfast, ran


def test_it_is_called_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "my bin" / "birdfast"
    script.parent.mkdir()
    script.touch(mode=0o755)
    whole = ["/usr/bin/python3", str(script), "infer"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert called([str(script), "infer"], whole) == shlex.quote(str(script))
    monkeypatch.setenv("PATH", str(script.parent))
    assert called([str(script), "infer"], whole) == "birdfast"
    module = ["python3", "-X", "utf8", "-m", "birdfast", "demo", "-m"]
    assert called(["/lib/birdfast/__main__.py", "demo", "-m"], module) == "python3 -X utf8 -m birdfast"
    assert called(["/home/me/study.py"], ["python3", "/home/me/study.py"]) == "birdfast"
    assert called([""], ["python3"]) == "birdfast"
    assert called([], ["python3", "-m"]) == "birdfast"


def test_words_are_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commandline, "called", lambda *words: "birdfast")
    assert commandline.proposed("infer", Path("a b"), "--start", 3) == "birdfast infer 'a b' --start 3"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell")
def test_what_a_demo_proposes_can_be_typed(tmp_path: Path) -> None:
    folder = tmp_path / "my demo"
    done = birdfast("demo", folder)
    lines = dict(line.split(": ", 1) for line in done.stderr.splitlines())
    assert shlex.split(lines["find them"])[:3] == [sys.executable, "-m", "birdfast"]
    assert shlex.split(lines["judge that"])[3:] == [
        *("evaluate", str(folder / "results"), "--truth", str(folder / "truth.csv"))
    ]
    # its truth, taken for what was detected, is right
    pytest.importorskip("sklearn.metrics", reason="judging needs birdfast[train]")
    (folder / "results").mkdir()
    shutil.copy(folder / "truth.csv", folder / "results" / "detections.csv")
    judged = ran("bash", "-c", lines["judge that"])
    assert judged.returncode == 0, judged.stderr
    assert "recall                          1.0000" in judged.stdout
    pytest.importorskip("matplotlib", reason="pictures need birdfast[report]")
    seen = ran("bash", "-c", f"{lines['see it']} -o {tmp_path / 'seen.png'}")
    assert (seen.returncode, (tmp_path / "seen.png").exists()) == (0, True), seen.stderr
