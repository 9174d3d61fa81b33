"""Facts: what decides the results of a run, and what tables say of it."""

from __future__ import annotations

import hashlib
import json

from .. import audio
from .._version import __version__
from ..config import Options
from ..models import Model
from ..runtimes import litert

FACTS = (
    "rate_hz",
    "window_samples",
    "step_samples",
    "normalization",
    "activation",
    "output",
    "labels_format",
)


def fingerprint(model: Model, options: Options) -> dict[str, str]:
    """Return what decides a run's results, by name: two runs with the same can share a folder.

    NumPy's version stays out: it rounds as the processor does, which stays out, too.
    """
    labels = hashlib.sha256(model.labels_path.read_bytes()).hexdigest()
    facts = {"birdfast version": __version__, "model": model.sha256(), "labels": labels}
    facts |= {"libsndfile": audio.decoder_version(), "PyAV": audio.second_decoder_version()}
    facts["soxr"] = audio.resampler_version()
    if model.path.suffix == ".tflite":
        facts["TFLite runtime"] = litert.version()
    facts |= {name: json.dumps(getattr(model, name)) for name in FACTS}
    return facts | {name: json.dumps(value) for name, value in options.as_dict().items()}
