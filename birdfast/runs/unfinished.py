"""A folder that is yet to be made: a neighbour, which only a command that is killed leaves behind."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import voice
from ..atomicfile import RANDOM
from ..errors import BirdfastError
from ..models import own
from .output import alone


@contextmanager
def unfinished(folder: Path, source: Path) -> Iterator[Path]:
    """Lend a neighbour of a folder that is yet to be made; what is left of it at the end goes.

    It is locked: what nobody locks is left of commands that were killed, and goes.
    """
    _tidy(folder)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        with alone(made), _said(made, source):
            yield made
    except BirdfastError as error:
        raise type(error)(str(error).replace(str(made), str(source))) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _tidy(folder: Path) -> None:
    begun = re.compile(rf"\.{re.escape(folder.name)}\.{RANDOM}\.part")
    for part in own.within(folder.parent):
        if begun.fullmatch(part.name) and part.is_dir() and not part.is_symlink():
            with suppress(BirdfastError), alone(part):
                shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _said(made: Path, source: Path) -> Iterator[None]:
    """Say what Python is warned of in the context, of the user's files rather than of their copies."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", RuntimeWarning)
        yield
    for text in dict.fromkeys(str(note.message) for note in notes):
        voice.aside(text.replace(str(made), str(source)))
