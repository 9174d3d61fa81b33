"""Pages for tests: the examples of docs/, as they stand there, and the sound that they are about."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from birdfast import audio, soundscape

from .commands import ran
from .recordings import SONG_HZ, song

DOCS = Path(__file__).parents[1] / "docs"
FENCE = re.compile(r"^```(\S[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r":caption: (\S+)\n+")
CONFIDENCE = r"\d\.\d{4,}"  # other processors' libraries may round otherwise
NEAR = 0.001
PROGRAMS = ("birdfast", "cat", "head", "ls")  # what is typed on a page; no shell reads it
KINDS = ("rattle", "warble", "whistle")


class Block(NamedTuple):
    """A fenced block: what its fence says, the file that its text is, if any, the text, and its line."""

    kind: str
    file: str
    text: str
    line: int


class Step(NamedTuple):
    """Something that a page does, and what it says comes of it: "..." stands for anything."""

    command: tuple[str, ...]
    wanted: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page's text."""
    for found in FENCE.finditer(page):
        text, line = found[2], page.count("\n", 0, found.start()) + 1
        caption = CAPTION.match(text)
        yield Block(found[1], caption[1] if caption else "", text[caption.end() if caption else 0 :], line)


def steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a console block: lines behind "$ ", which a backslash lengthens."""
    for part in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, _, wanted = part.partition("\n")
        yield Step(tuple(shlex.split(command)), wanted, block.line)


class Reader:
    """Whoever does in a folder what a page says, and sees that it comes out so.

    Console blocks are commands with what they print; a command that does not end with 0 is followed by
    `echo $?`, as a reader would look. A Python block is a whole script, with what it prints in a text block
    right behind. A block with a caption is a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._code, self._printed = folder, 0, ""

    def follow(self, page: Path) -> None:
        """Do all that a page says, in its order."""
        for block in blocks(page.read_text(encoding="utf-8")):
            where = f"{page.name}, line {block.line}"
            if block.file:
                (self._folder / block.file).write_text(block.text, encoding="utf-8")
            elif block.kind == "python":
                self._run(where, sys.executable, "-c", block.text)
            elif block.kind == "text":
                self._see(where, block.text)
            elif block.kind == "console":
                for step in steps(block):
                    self._type(f"{where}: {shlex.join(step.command)}", step)
        self._has_gone_well(page.name)

    def _type(self, where: str, step: Step) -> None:
        if step.command == ("echo", "$?"):
            self._printed, self._code = f"{self._code}\n", 0
        else:
            program, *arguments = step.command
            assert program in PROGRAMS, where
            start = (sys.executable, "-m", "birdfast") if program == "birdfast" else (program,)
            self._run(where, *start, *arguments)
        if step.wanted:
            self._see(where, step.wanted)

    def _run(self, where: str, *command: str) -> None:
        self._has_gone_well(where)
        done = ran(*command, cwd=self._folder, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self._code, self._printed = done.returncode, done.stdout

    def _has_gone_well(self, where: str) -> None:
        assert self._code == 0, f"before {where} something ended with {self._code}: {self._printed}"

    def _see(self, where: str, wanted: str) -> None:
        assert is_so(wanted, self._printed), f"{where}: the page has\n{wanted}\nand it is\n{self._printed}"


def is_so(wanted: str, printed: str) -> bool:
    """Whether something came out as a page says: "..." is anything, and confidences are near enough."""
    parts = re.split(rf"(\.\.\.|{CONFIDENCE})", wanted.rstrip())
    numbers = [part for part in parts[1::2] if part != "..."]
    shapes = {"...": ".*?", **dict.fromkeys(numbers, f"({CONFIDENCE})")}
    shape = "".join(shapes[part] if n % 2 else re.escape(part) for n, part in enumerate(parts))
    found = re.fullmatch(shape, printed.rstrip(), re.DOTALL)
    return found is not None and all(
        abs(float(one) - float(other)) <= NEAR for one, other in zip(numbers, found.groups(), strict=True)
    )


def lay(folder: Path) -> Path:
    """Write what the pages find: recordings of two sites, clips of three classes, a competition's files."""
    songs, truth = soundscape.make()
    half = len(songs) // 2
    names = ("recordings/birch/20260510_043000.flac", "recordings/oak/20260510_050000.flac")
    for name, part in zip(names, (songs[:half], songs[half:]), strict=True):
        (folder / name).parent.mkdir(parents=True)
        audio.write(folder / name, part, soundscape.RATE_HZ)
    rows = ["file,start,end,label"]
    for one in truth:
        past_s = 60.0 * (one.start_s >= 60)
        times = f"{one.start_s - past_s:.3f},{one.end_s - past_s:.3f}"
        rows.append(f"{names[past_s > 0]},{times},{one.scientific_name}")
    (folder / "truth.csv").write_text("\n".join(rows) + "\n")
    _lay_clips(folder)
    _lay_competition(folder / "birdclef")
    return folder


def _lay_clips(folder: Path) -> None:
    rows = ["file,label,fold,group"]
    for kind in KINDS:
        (folder / "clips" / kind).mkdir(parents=True)
        for number in range(8):
            name = f"clips/{kind}/{number}.flac"
            audio.write(folder / name, song(kind, number), SONG_HZ)
            rows.append(f"{name},{kind},{number % 2 + 1},{'night' if number % 2 else 'day'}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")


def _lay_competition(folder: Path) -> None:
    (folder / "test_soundscapes").mkdir(parents=True)
    ids = []
    for number in range(3):
        stem = f"BC2026_Test_{number:04d}_S05_20260101_060000"
        parts = [song(KINDS[(slot + number) % 3], 100 * number + slot, 5.0) for slot in range(12)]
        audio.write(folder / f"test_soundscapes/{stem}.flac", np.concatenate(parts), SONG_HZ)
        ids += [f"{stem}_{5 * (slot + 1)}" for slot in range(12)]
    rows = [",".join((one, *["0.333"] * 3)) for one in ids]
    (folder / "sample_submission.csv").write_text("\n".join([",".join(("row_id", *KINDS)), *rows]) + "\n")
