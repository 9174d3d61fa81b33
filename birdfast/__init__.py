"""Recognise birds and other animals in sound, on CPUs.

audio file -> windows -> spectrogram -> tokens -> embedding -> scores -> tables     (STSG)
audio file -> windows -> [spectrogram ->] TFLite session ----> scores -> tables     (pretrained networks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import AudioError, BirdfastError, ConfigError, ModelError

if TYPE_CHECKING:
    from .pipeline import Pipeline

__all__ = ["AudioError", "BirdfastError", "ConfigError", "ModelError", "load"]


def load(model: str = "birdnet-2.4", labels: str | None = None, **options: Any) -> Pipeline:
    """Load a network into this process, ready for sound.

    Parameters
    ----------
    model : str
        A name from `python -m birdfast models`, a .tflite file, or a folder that holds one.
    labels : str or None
        The labels of a .tflite file; by default `<stem>_Labels.txt` beside it.
    **options
        The fields of `birdfast.config.Options`: min_confidence, top_k, sensitivity, overlap_s, ...

    Returns
    -------
    Pipeline
        `Pipeline.detect("dawn.wav")` returns the detections in a file.

    Raises
    ------
    ModelError
        The network is not here, or cannot be used; the message says how to get it.
    ConfigError
        An option is out of its range, or there is none of that name.
    """
    from . import models
    from .config import Options
    from .pipeline import Pipeline

    return Pipeline(models.find(model, labels), Options.of(options))
