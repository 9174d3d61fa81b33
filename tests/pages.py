"""Pages for tests: runs that nobody has heard, and a browser that looks at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from birdfast.journal import Standing
from birdfast.journal.stamp import Stamp
from birdfast.outcomes import Failure
from birdfast.report.effort import Effort
from birdfast.report.gathered import File, Gathered
from birdfast.report.rows import ROW

HOUR_MS = 3_600_000
# What would be HTML, a script's end, a formula, a path, no text at all.
ODD = (
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(2)</script>",
    "\"quotes\" & 'apostrophes', commas",
    "Ворона серая",
    "カッコウ \u2028 \u202e x",
    "a\\xff {{ 7 * 7 }} ${7 * 7} <!--",
)


def invented(n_rows: int, n_files: int = 400, n_species: int = 90, sites: int = 8, seed: int = 0) -> Gathered:
    """Return what is gathered of a run that never was; a few names are odd."""
    random = np.random.default_rng(seed)
    rows = np.zeros(n_rows, ROW)
    rows["file"] = np.sort(random.integers(0, n_files, n_rows))
    rows["species"] = np.minimum(random.geometric(0.06, n_rows) - 1, n_species - 1)
    rows["start_s"] = random.integers(0, 1200, n_rows) * 3.0
    rows["end_s"] = rows["start_s"] + 3
    rows["confidence"] = np.clip(random.beta(1.2, 3, n_rows), 0.1, 1)
    files = [
        File(
            f"recordings/{ODD[number] if number < len(ODD) else number}.wav",
            3600.0,
            1_748_736_000_000 + (number // 16) * 24 * HOUR_MS + (number % 16 + 4) * HOUR_MS,
            ODD[0] if number % sites == 0 else f"Site {number % sites}",
            "AudioMoth",
            Stamp(None, None),
            None,
        )
        for number in range(n_files)
    ]
    species = [(name, name) for name in ODD]
    species += [(f"Avis numero{n}", f"Bird number {n}") for n in range(len(ODD), n_species)]
    effort = Effort()
    for file in files:
        effort.by_hour[file.begins_ms // HOUR_MS % 24] += 3600
        effort.by_site_and_day[file.site, file.begins_ms // (24 * HOUR_MS)] += 3600
    failures = [
        Failure(ODD[1], "audio", "AudioError", f"{ODD[1]}: no samples"),
        Failure("b.wav", "audio", "Timeout", ""),
    ]
    return Gathered(
        key="of a test",
        rows=rows,
        n_detections=n_rows,
        files=files,
        species=species,
        counts=np.bincount(rows["species"], minlength=n_species),
        models=["tiny"],
        standing=Standing(n_files, 2, 0, n_files * 3600.0, n_rows),
        failures=failures,
        n_failures={"AudioError": 1, "Timeout": 1},
        effort=effort,
        settings={"model": ODD[0]},
    )


@contextmanager
def browser(downloads: Path, width: int = 1280, height: int = 900) -> Iterator[object]:
    """Start a Chromium without a window; who has none skips."""
    why = "selenium is not installed, it is of the extra dev"
    webdriver = pytest.importorskip("selenium.webdriver", reason=why)
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromium-driver here (apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "disable-gpu", "disable-dev-shm-usage", "force-device-scale-factor=1"):
        options.add_argument(f"--{flag}")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # it cannot be had by the administrator
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        # A window has a least width; the page's own is set here.
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield made
    finally:
        made.quit()
