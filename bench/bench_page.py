"""How long the page of a large run takes: to be written, and until its first picture is there in Chromium.

    python bench/bench_page.py [ROWS]

The browser measures itself: `performance` says when the first sign was painted, and when all that the page
draws at its beginning was on the screen, from the navigation's start.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from birdfast.report import making
from tests.pages import browser, invented

N_TIMES = 5
DRAWN = "return performance.getEntriesByName('drawn').map((mark) => mark.startTime)[0]"
PAINTED = "return performance.getEntriesByName('first-contentful-paint').map((mark) => mark.startTime)[0]"


def main(n_rows: int) -> None:
    """Measure, and print."""
    gathered = invented(n_rows)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        began_s = time.perf_counter()
        making.write(gathered, page)
        wrote_s = time.perf_counter() - began_s
        print(f"{n_rows:,} detections: {page.stat().st_size / 1e6:.1f} MB, written in {wrote_s:.2f} s")
        for width in (1280, 390):
            times = []
            for _ in range(N_TIMES):
                with browser(Path(folder), width) as chromium:
                    chromium.get(page.as_uri())
                    times.append(_seen_ms(chromium))
            told = f"{median(times):,.0f} ms, median of {N_TIMES}; the slowest {max(times):,.0f}"
            print(f"{width} px wide: all is seen after {told}")


def _seen_ms(chromium: Any) -> float:
    """Return when all was drawn and painted: either may be the last to be told."""
    while None in (told := [chromium.execute_script(script) for script in (DRAWN, PAINTED)]):
        time.sleep(0.05)
    return max(told)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
