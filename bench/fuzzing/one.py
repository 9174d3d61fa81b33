"""Fuzz one target under libFuzzer: `one.py NAME [what libFuzzer takes]`; `__main__` calls it for each."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

MEMORY = Path("/dev/shm")
# Whose branches count, also of what is imported when the first input needs it.
INSTRUMENTED = ["birdfast", "flatbuffers", "targets"]


def main(name: str, *options: str) -> None:
    """Look for inputs until the time that libFuzzer is told is over, or one breaks the target."""
    with (
        atheris.instrument_imports(include=INSTRUMENTED),
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as scratch,
    ):
        from targets import TARGETS

        from birdfast import voice

        target, folder = TARGETS[name], Path(scratch)
        voice.tell_asides(lambda line: None)
        target.prepare(folder)
        atheris.Setup([name, *options], lambda data: target.attempt(folder, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
