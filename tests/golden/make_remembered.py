"""Writes remembered.csv: what recordings come to (`tests/remembered.py`), as it is with what is installed.

    PYTHONPATH=. python tests/golden/make_remembered.py

A row: a recording, what of it, what decides that (a library with its version), by how much it may differ, and
what it was. What birdfast alone decides is a CRC-32 and may not differ at all, on no CPU and by no table of
kernels; what a library's floats decide are numbers. Run it where tests/test_remembered.py fails and the
change is meant: what other versions came to stays, where that is something else. The commit says which
library it was. Ours changed with none of them: that is an error until someone says what got better by it.
"""

import csv
import sys
import tempfile
from pathlib import Path

from birdfast import _kernels
from tests import remembered

PATH = Path(__file__).with_name("remembered.csv")


def known() -> list[remembered.Row]:
    """Return what is remembered."""
    return remembered.read(PATH.read_text().splitlines()) if PATH.exists() else []


def main() -> None:
    """Write the table anew, and print what is no longer the same."""
    with tempfile.TemporaryDirectory() as folder:
        remembered.record(Path(folder))
        made = remembered.anew(Path(folder), _kernels.cpu_tables()[-1])
    now = {row[:2]: row for row in made}
    others = [row for row in known() if row[:2] in now and kept(row, now[row[:2]])]
    for row in set(known()) - {*made, *others}:
        print(f"no longer: {', '.join(map(str, row))}", file=sys.stderr)
    with PATH.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(sorted([*made, *others]))


def kept(row: remembered.Row, now: remembered.Row) -> bool:
    """Whether a row of another version tells something that the present one's does not."""
    return row.by != now.by and not now.is_like(row)


if __name__ == "__main__":
    main()
