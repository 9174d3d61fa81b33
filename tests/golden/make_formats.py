"""Make formats/: the tables that BirdNET-Analyzer 2.4.0, birdnet 1.3.1 and we write of `tests.formats`' run.

    pip install birdnet==1.3.1; pip install --no-deps birdnet_analyzer==2.4.0
    python -m tests.golden.make_formats

The Analyzer's own functions write; TensorFlow and librosa, which they do not need for that, are left out.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import soundfile

from birdfast import tables
from tests.formats import ABOUT, GOLDEN, HEARD, SPECIES, results

LABELS = ["_".join(names) for names in SPECIES]
KINDS = {
    "table": "BirdNET_SelectionTable.txt",
    "kaleidoscope": "BirdNET_Kaleidoscope.csv",
    "csv": "BirdNET_CombinedTable.csv",
}


def analyzers(output: Path) -> None:
    """Let BirdNET-Analyzer write its tables, one for each file and combined."""
    found = importlib.util.find_spec("birdnet_analyzer")
    assert found is not None
    assert found.submodule_search_locations
    for name in ("birdnet_analyzer", "birdnet_analyzer.analyze"):  # without what they import
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = [str(Path(found.submodule_search_locations[0], *name.split(".")[1:]))]
    librosa: Any = MagicMock()
    librosa.get_samplerate = lambda path: soundfile.info(path).samplerate
    librosa.get_duration = lambda path, sr: soundfile.info(path).duration
    sys.modules |= {"librosa": librosa, "keras": MagicMock(), "tensorflow": MagicMock()}
    sys.modules["birdnet_analyzer.model"] = MagicMock()
    import birdnet_analyzer.config as cfg
    from birdnet_analyzer.analyze import utils

    sys.modules["birdnet_analyzer.analyze"].POSSIBLE_ADDITIONAL_COLUMNS_MAP = {}  # type: ignore[attr-defined]
    cfg.OUTPUT_PATH, cfg.INPUT_PATH, cfg.LABELS = str(output), "in", LABELS
    cfg.LATITUDE = cfg.LONGITUDE = cfg.WEEK = -1
    cfg.RESULT_TYPES = [*KINDS, "audacity"]
    written = []
    for path, _, heard in HEARD:
        by_window: dict[str, list[tuple[str, float]]] = {}
        for start_s, number, confidence in heard:
            by_window.setdefault(f"{start_s}-{start_s + 3.0}", []).append((LABELS[number], confidence))
        names = utils.get_result_file_names(path)
        for name in names.values():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
        utils.save_result_files(by_window, names, path)
        written.append(names)
    utils.combine_results(written)


def birdnets(output: Path) -> None:
    """Let birdnet write its CSV."""
    from birdnet.acoustic.inference.core.prediction.prediction_result import AcousticFilePredictionResult

    ids = np.zeros((len(HEARD), 4, 2), np.uint8)
    probs, masked = np.zeros(ids.shape, np.float32), np.ones(ids.shape, bool)
    for file, (_, _, heard) in enumerate(HEARD):
        for start_s, number, confidence in heard:
            window = int(start_s // 3)
            place = int((~masked[file, window]).sum())
            ids[file, window, place], probs[file, window, place] = number, confidence
            masked[file, window, place] = False
    tensor = SimpleNamespace(
        _species_ids=ids,
        _species_probs=probs,
        _species_masked=masked,
        unprocessable_inputs=np.zeros(0, np.uint8),
    )
    result = AcousticFilePredictionResult(
        files=[Path(path) for path, _, _ in HEARD],
        file_durations=np.array([duration_s for _, duration_s, _ in HEARD], np.float32),
        model_path=Path("model"),
        model_fmin=0,
        model_fmax=15000,
        model_sr=48000,
        model_precision="fp32",
        model_version="2.4",
        species_list=LABELS,
        segment_duration_s=3.0,
        overlap_duration_s=0.0,
        speed=1.0,
        tensor=tensor,
    )
    table = output / "birdnet.csv"
    result.to_csv(table, silent=True)
    table.write_text(table.read_text().replace(f"{Path.cwd().resolve()}/", ""))  # it makes paths absolute


def ours(output: Path) -> None:
    """Write those of our tables that are text, to be looked at when they change."""
    kinds = [kind for kind in tables.OF_FILES if kind not in ("parquet", "sqlite")]
    tables.write_all(output, kinds, ABOUT, results(failed=True))


def main() -> None:
    """Write the recordings and the tables of them."""
    (GOLDEN / "own").mkdir(exist_ok=True, parents=True)
    ours(GOLDEN / "own")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for path, duration_s, _ in HEARD:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.zeros(int(duration_s * 48_000), np.float32), 48_000)
        birdnets(GOLDEN)
        analyzers(GOLDEN)


if __name__ == "__main__":
    main()
