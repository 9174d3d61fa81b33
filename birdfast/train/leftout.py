"""What a training could not read, and what is to be known of the rest: said once, be it quiet or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import voice
from ..errors import BirdfastError
from .learning import Learning


def tell(training: Learning) -> None:
    """Name the recordings that were left out, and why; and what is to be known of others."""
    for why in dict.fromkeys(training.failures.values()):
        voice.say(f"birdfast: left out: {why}")
    for remark in training.remarks:
        voice.say(f"birdfast: noted: {remark}")


@contextmanager
def naming(training: Learning) -> Iterator[None]:
    """Name the recordings that could not be read before the reason why nothing comes of it."""
    try:
        yield
    except BirdfastError:
        tell(training)
        raise
