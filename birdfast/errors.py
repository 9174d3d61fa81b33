"""What can go wrong, by whose fault: the audio's, the model's, the options', a worker's, or the disk's."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)  # an OSError's, whatever file it names
FEW_FILES = "too few files may be open at a time; allow more (ulimit -n says how many)"


class BirdfastError(Exception):
    """Anything that birdfast reports in words instead of a traceback.

    Attributes
    ----------
    detections : sequence of Detection
        What `Pipeline.detect` or `WarmPool.detect` had heard up to there; otherwise empty.
    is_unavailable : bool
        Nothing is wrong with what was asked: a cluster or a store is not there now, and may be later.
    """

    detections: Sequence[Any] = ()
    is_unavailable: bool = False

    def __init__(self, *told: object, is_unavailable: bool = False) -> None:
        super().__init__(*told)
        self.is_unavailable = is_unavailable or type(self).is_unavailable


class AudioError(BirdfastError):
    """A recording that cannot be read: the message names the file and the reason."""


class ModelError(BirdfastError):
    """A model that cannot be used: missing, damaged, or not what it claims to be."""


class ModelMemoryError(ModelError):
    """Too little memory for a model, which says nothing about the model: with more of it, it may do."""


class ModelRuntimeError(ModelError):
    """The library that runs a model is not installed or cannot be loaded: nothing is said of the model."""


class ConfigError(BirdfastError):
    """An option, or a combination of options, that makes no sense."""


class ClusterError(ConfigError):
    """A cluster that is not there, takes no more, or has no machine that is fit: it may be there later."""

    is_unavailable = True


class NotBegunError(ConfigError):
    """A folder whose run was killed before its journal said anything."""


class WorkerError(BirdfastError):
    """A worker process that ended twice at the same sound: it crashed, was killed, or fell silent."""


class StoreError(BirdfastError):
    """A bucket, server or archive that does not give or take what a URL names."""


class RecordingWarning(UserWarning):
    """What is to be known of a recording that was heard: repaired, lost inside, or mixed to near silence."""


class OutputError(BirdfastError):
    """An output folder that takes nothing more: full, read-only, or gone."""
