"""The suite's settings: its fixtures, which are jobs that others share, and what is said of the machine."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from birdfast import _kernels

PEERS = ("numpy", "scipy", "librosa", "faiss-cpu", "gensim", "soundfile", "soxr", "av")
RUNTIMES = ("ai-edge-litert", "openvino", "birdnet")


def pytest_configure(config: pytest.Config) -> None:
    """Bring the jobs in, also where this is not the outermost conftest.py."""
    config.pluginmanager.import_plugin("birdfast_jobs")


def pytest_report_header() -> list[str]:
    """Say what is being measured on."""
    return [f"processor: {processor()}", f"kernels: {', '.join(_kernels.cpu_tables())}", versions()]


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Keep the same in the JSON."""
    machine_info |= {"processor": processor(), "kernels": _kernels.cpu_tables(), "versions": versions()}


def processor() -> str:
    """Return the processor's name, and its family and model, as one name is given to many."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    family = f" (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else ""
    return f"{facts.get('model name', 'unknown')}{family}"


def versions() -> str:
    """Return the versions of the peers that are installed."""
    found = []
    for name in (*PEERS, *RUNTIMES):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)
