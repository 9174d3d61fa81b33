"""URLs: what one is, and where one leads through another."""

from __future__ import annotations

import re

URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
CHAIN = re.compile(rf"::(?={URL.pattern})", re.IGNORECASE)  # :: elsewhere belongs to a key
LINK = re.compile(rf"(?:\A|(?<=::)){URL.pattern}", re.IGNORECASE)
# The protocols of stores that have several names.
AMAZON, GOOGLE, AZURE = ("s3", "s3a"), ("gs", "gcs"), ("az", "abfs", "abfss")


def links(url: str) -> list[str]:
    """Return what a URL leads through: zip://a.wav::s3://b/may.zip is in an archive in a bucket."""
    return CHAIN.split(url)


def place(url: str) -> str:
    """Return whose a URL is, of those who answer or are silent: "s3://birds", or an archive's own URL."""
    *through, last = links(url)
    return last if through else "/".join(last.split("/", 3)[:3])


def protocol(url: str) -> str:
    """Return what a URL's store speaks: "s3"."""
    return url.partition("://")[0].lower()
