"""Files that are no WAV and no raw samples: what comes through a pipe would be heard as noise."""

from __future__ import annotations

import io
from itertools import islice, pairwise

from . import bareframes, mp3
from .headers import BOXES

MAGICS = {
    **{b"fLaC": "FLAC", b"OggS": "Ogg", b"FORM": "AIFF", b".snd": "AU", b"dns.": "AU", b"caff": "CAF"},
    **{b"ID3": "MP3", b"wvpk": "WavPack", b"riff": "Wave64", b"\x1aE\xdf\xa3": "Matroska or WebM"},
    **{b"RIFX": "a WAV with the highest byte first", b"0&\xb2u\x8ef\xcf\x11": "Windows Media (ASF)"},
    **{b"DSD ": "DSF", b"Creative Voi": "VOC", b"MAC ": "Monkey's Audio", b"tBaK": "TAK", b"TTA1": "TTA"},
    **{b"#!AMR": "AMR", b"FLV\1": "Flash video"},
}
BEGIN_BYTES = 1 << 13  # tell of frames: a few of the longest
CHAIN = 3  # so many frames in a row are no accident
PACKET_BYTES = 188  # of a transport stream (ISO 13818-1), each of which begins with one byte
PACKET = b"G"


def by_magic(head: bytes) -> str | None:
    """Name the kind of file by its first twelve bytes; None: it may be raw sound."""
    if head[4:8] in BOXES:
        return "MP4, M4A or MOV"
    return next((kind for magic, kind in MAGICS.items() if head.startswith(magic)), None)


def may_be_frames(head: bytes) -> bool:
    """Say whether frames may begin there, as raw sound does by accident: `by_frames` tells of more."""
    words = [word.match(head) for word in bareframes.SYNC.values()]
    return mp3.parse(head[:4]) is not None or any(words) or head.startswith(PACKET)


def by_frames(begin: bytes) -> str | None:
    """Name the kind of file whose frames, without a header, follow each other in its first `BEGIN_BYTES`."""
    file = io.BytesIO(begin)
    if mp3.is_chain(file, 0, len(begin)):
        return "MP3"
    for kind, name in (("aac", "AAC"), ("ac3", "AC-3")):
        found = [*islice(bareframes.frames(file, kind, 0), CHAIN)]
        joined = all(one.pos + one.size == other.pos for one, other in pairwise(found))
        if len(found) == CHAIN and found[0].pos == 0 and joined:
            return name
    marks = begin[::PACKET_BYTES]
    return "an MPEG transport stream" if len(marks) > CHAIN and marks == PACKET * len(marks) else None
