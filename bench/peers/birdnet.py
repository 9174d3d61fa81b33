"""The whole job through birdnet 1.3.1, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import NamedTuple


class Setting(NamedTuple):
    """birdnet 1.3.1's own knobs: processes that decode, that infer, and windows a call."""

    n_producers: int
    n_workers: int
    batch_size: int


SETTINGS = [Setting(*setting) for setting in product((1, 2), (1, 2), (1, 4, 16))]

# A process of its own, so that start-up is in the wall time; the session's second run is warm.
SCRIPT = """
import sys, time
from birdfast import models
import birdnet
def main(folder, table, producers, workers, batch):
    model = models.find("birdnet-2.4")
    network = birdnet.load_custom("acoustic", "2.4", "tf", model.path, model.labels_path, library="litert")
    options = dict(top_k=None, default_confidence_threshold=0.25, n_producers=producers, n_workers=workers,
                   batch_size=batch)
    if WARM:
        with network.predict_session(**options) as session:
            session.run(folder)
            began = time.perf_counter()
            session.run(folder).to_csv(table)
            print(time.perf_counter() - began)
    else:
        network.predict(folder, **options).to_csv(table)
if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
"""


def seconds(inputs: Path, setting: Setting) -> tuple[float, float]:
    """Return birdnet's wall seconds for a folder: a whole process, and a warm session's run."""
    return _run(inputs, setting, warm=False), _run(inputs, setting, warm=True)


def best_setting(inputs: Path) -> Setting | None:
    """Try birdnet's settings on a folder, and return the fastest; None if birdnet is not installed."""
    if find_spec("birdnet") is None:
        return None
    return min(SETTINGS, key=lambda setting: _run(inputs, setting, warm=False))


def _run(inputs: Path, setting: Setting, *, warm: bool) -> float:
    script = inputs.parent / "run_birdnet.py"
    script.write_text(SCRIPT.replace("WARM", str(warm)))
    table = inputs.parent / "birdnet.csv"
    began = perf_counter()
    command = [sys.executable, str(script), str(inputs), str(table), *map(str, setting)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(printed.split()[-1]) if warm else perf_counter() - began
