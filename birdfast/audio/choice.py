"""Which decoder reads a file: decided from the file's own bytes, before the first sample.

libsndfile is the usual one. FFmpeg reads what it does not know, or is known to misread; in MP3, FLAC and
Ogg we then find the packets ourselves, so that their positions are known and what is lost costs no more.

What a kind of file needs is imported when the first one comes: a worker is to start in an instant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import flacstream
from .decoders import Chain, Decoder, Rescued, Undecodable, libsndfile
from .framing import Framing
from .pieces import Piece, Pieces

if TYPE_CHECKING:
    from .headers import Header
    from .ogg import Link
    from .oggstream import OggStream

Opener = Callable[[], Decoder]
FREE = ("MPEG audio of a bit rate of its encoder's own: read to its end",)
CODECS = (b"\x01vorbis", b"OpusHead")  # what libsndfile reads in Ogg


class Choice(NamedTuple):
    """How to read a file: what opens the decoder, what is put right, and what the file lacks at its end."""

    open: Opener
    notes: tuple[str, ...] = ()
    missing: str | None = None


class _Opened:
    """An opener whose file is open already, once: that takes as long as a second's sound."""

    def __init__(self, decoder: Decoder, opener: Opener) -> None:
        self._opened, self._opener = [decoder], opener

    def __call__(self) -> Decoder:
        try:
            return self._opened.pop()
        except IndexError:
            return self._opener()


def choose(path: Path) -> Choice:
    """Look at a file and say how to read it: the same for every stretch of it.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    status = path.stat()
    return _choose(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)  # a worker takes one stretch of a file after the other
def _choose(path: Path, *_: int) -> Choice:
    for look in (_flac, _ogg, _joined, _wavpack, _mpeg):
        if choice := look(path):
            return choice
    from . import headers

    header = headers.read(path)
    opener = partial(_repaired, path, header) if header.repair or header.n_frames else partial(_either, path)
    return Choice(opener, header.notes, header.missing)


def _flac(path: Path) -> Choice | None:
    found = flacstream.scan(path)
    if found is None:
        return None
    anew = partial(_framed, found)
    return Choice(partial(_rescued, path, anew) if found.is_regular else anew)


def _wavpack(path: Path) -> Choice | None:
    from . import wavpack

    pieces = wavpack.pieces(path)
    if not pieces or (len(pieces) == 1 and pieces[0][0] == 0):
        return None
    return Choice(partial(_contained, path, pieces))


def _mpeg(path: Path) -> Choice | None:
    from . import headers, mpegstream

    if headers.is_container(path):
        return None
    found = mpegstream.scan(path)
    if found is None:
        return Choice(partial(_to_end, path), FREE) if mpegstream.is_free(path) else None
    if found.is_as_told:
        return Choice(partial(libsndfile.Sndfile, path))
    return Choice(partial(_framed, found), missing=found.missing and f"({found.missing})")


def _ogg(path: Path) -> Choice | None:
    from . import ogg

    links, tail = ogg.links(path)
    if not links:
        return None
    last = links[-1].last
    missing = "(its last Ogg page is not whole)" if b"OggS" in tail else None
    if last and last.is_open:
        missing = missing or "(its last Ogg page is missing)"
    notes = [f"{len(tail)} bytes behind its last Ogg page that are no sound"] * bool(tail and not missing)
    if last and not last.flags & ogg.LAST and not missing:
        notes.append("no page says that it is the last")
    try:
        chosen = [_link(path, link, len(links) == 1) for link in links]
    except ogg.UnknownKind:  # FFmpeg may know it
        return Choice(partial(_either, path), tuple(notes), missing)
    if len(links) == 1:
        return Choice(chosen[0][0], tuple(notes), missing)
    notes.append(f"{len(links)} Ogg streams, one behind the other")
    return Choice(partial(Chain, chosen), tuple(notes), missing)


def _link(path: Path, link: Link, alone: bool) -> tuple[Opener, int]:
    """Return what opens a link of a chain, and its samples; `alone`: what is open by then stays so."""
    from .oggstream import OggStream

    stream = OggStream(path, link)
    if not link.first_packet.startswith(CODECS) or stream.lacks_its_begin:
        return _paged(stream)
    end = link.places[min(link.holes)] if link.holes else link.ranges[-1][1]
    granule = link.granules[(min(link.holes) if link.holes else len(link.places)) - 1]
    whole = [(begin, min(stop, end)) for begin, stop in link.ranges if begin < end]
    opener: Opener = partial(libsndfile.Sndfile, path)
    if whole != [(0, path.stat().st_size)]:
        opener = partial(_pieces, path, whole)
    with ExitStack() as stack:
        try:
            counted = opener()
        except Undecodable:
            return _paged(stream)
        stack.callback(counted.close)
        n_frames, rate_hz = counted.n_frames or 0, counted.rate_hz
        stream.begin_at(granule - n_frames * stream.rate_hz // rate_hz)
        if link.holes or len(link.serials) > 1 or not stream.is_usual(rate_hz) or not n_frames:
            return partial(_framed, stream), stream.n_frames
        if alone:
            stack.pop_all()
            return _Opened(counted, opener), n_frames
    return opener, n_frames


def _joined(path: Path) -> Choice | None:
    from . import joined, wavpack

    links = joined.links(path)
    if len(links) < 2:
        return None
    whole, chain = wavpack.pieces(path) or [(0, path.stat().st_size)], []
    for link in links:
        pieces = [(max(begin, link.begin), min(end, link.end)) for begin, end in whole]
        pieces = [(begin, end) for begin, end in pieces if begin < end]
        chain.append((partial(_contained, path, pieces), link.n_samples))
    return Choice(partial(Chain, chain), (f"{len(links)} recordings, one behind the other",))


def _paged(stream: OggStream) -> tuple[Opener, int]:
    """Return what opens an Ogg stream page by page, and its samples."""
    from .decoders.ffmpeg import Packets

    if stream.begins_by_itself:
        stream.begin_with(Packets(stream).count(next(stream.groups(0))))
    return partial(_framed, stream), stream.n_frames


def _repaired(path: Path, header: Header) -> Decoder:
    decoder = _pieces(path, header.repair) if header.repair else libsndfile.Sndfile(path)
    decoder.n_frames = header.n_frames or decoder.n_frames
    return decoder


def _to_end(path: Path) -> Decoder:
    decoder = libsndfile.Sndfile(path)
    decoder.n_frames = None
    return decoder


def _rescued(path: Path, anew: Opener) -> Decoder:
    return Rescued(libsndfile.Sndfile(path), anew)


def _pieces(path: Path, ranges: Sequence[Piece]) -> Decoder:
    return libsndfile.Sndfile(Pieces(path, ranges))


def _framed(framing: Framing) -> Decoder:
    from .decoders.ffmpeg import Packets  # PyAV takes a tenth of a second to import, and few files need it

    return Packets(framing)


def _contained(path: Path, pieces: Sequence[Piece]) -> Decoder:
    from .decoders.container import Container

    return Container(path, pieces)


def _either(path: Path) -> Decoder:
    try:
        decoder = libsndfile.Sndfile(path)
        if not decoder.is_mp3:
            return decoder
        decoder.close()  # no frames of MPEG audio follow each other in it: two bytes of noise look like one
        refused = Undecodable(libsndfile.UNKNOWN)
    except Undecodable as error:
        refused = error
    from .decoders.ffmpeg import UNKNOWN

    try:
        return _contained(path, ())
    except Undecodable as error:
        known = refused.reason if error.reason == UNKNOWN else error.reason
        raise Undecodable(known.replace("libsndfile reads", "libsndfile or FFmpeg reads")) from error


def decoder_version() -> str:
    """Return the version of libsndfile."""
    return libsndfile.version()


@cache
def second_decoder_version() -> str:
    """Return the version of PyAV, which brings FFmpeg, without loading it."""
    from importlib import metadata  # not for every worker: it brings a lot along

    return metadata.version("av")
