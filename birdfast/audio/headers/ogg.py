"""Ogg: whether the last page is there."""

from __future__ import annotations

from pathlib import Path


def missing_from_ogg(path: Path) -> str | None:
    """Say that an Ogg file lacks its last page, None for a whole or another file.

    libsndfile takes the last page it finds for the end; that page has to be whole and to carry the
    end-of-stream flag (RFC 3533, section 6). A page has at most 65,307 bytes.
    """
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return None
        file.seek(max(0, path.stat().st_size - 65_307))
        end = file.read()
    page = end[end.rfind(b"OggS") :]
    length = 27 + page[26] + sum(page[27 : 27 + page[26]]) if len(page) > 26 else len(page) + 1
    whole = len(page) >= length and page[5] & 4
    return None if whole else "its last Ogg page is missing"
