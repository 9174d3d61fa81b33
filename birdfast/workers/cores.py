"""Cores: which this process may use."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores() -> list[int]:
    """Return a logical CPU for each physical core that this process may use.

    The affinity mask and a control group's quota are respected; siblings of one core count once.
    """
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    cores: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.setdefault(siblings.read_text(), cpu)
        except OSError:
            cores[str(cpu)] = cpu
    return list(cores.values())[: _quota()]


def _quota() -> int | None:
    """Return how many cores a control group lets us use, rounded up; None for no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):
        return None
