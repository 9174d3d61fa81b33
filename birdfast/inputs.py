"""Which recordings a run is about: files, folders, and lists of files."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from . import sources
from .errors import ConfigError, StoreError
from .sources import stores

# What the decoders read, and what they do not read but people record in: those become rows of
# failures.csv with a hint, instead of being passed over in silence.
READ = """
    wav wave bwf rf64 w64 flac ogg oga opus spx mp3 mp2 mpga aif aiff aifc au snd caf voc sph nist ircam sf
    m4a m4b mp4 m4v mov 3gp 3gpp 3g2 aac amr webm weba mka mkv wma asf wv ape tta tak avi
"""
UNREAD = "wac w4v dss ds2 dvf msv"  # of Wildlife Acoustics' recorders, and of dictating machines
SUFFIXES = frozenset(f".{suffix}" for suffix in f"{READ} {UNREAD}".split())
LIST_SUFFIX = ".txt"

Identity = tuple[int, int]  # of a folder: its device and its inode


def find(inputs: Iterable[str | os.PathLike[str]], tell: Callable[[str], None] | None = None) -> list[str]:
    """Return the recordings that are meant, each once, by the first of its names.

    A file's names are all that lead to it, by links too, as a folder that is linked to is searched once. Hard
    links are files of their own: what finds equal files and joins them makes them of different recordings.

    Parameters
    ----------
    inputs : iterable of paths
        A folder means all audio files below it, in the order of their names, hidden ones left out;
        a .txt file means the files it lists, one path a line, relative ones from the working
        directory (not from the list's folder); anything else is a recording. A folder that cannot
        be listed stands for itself, so that it becomes a failure and the others are found. URLs stand
        beside paths: of an object, of all below a bucket's folder, in the order of their keys, of a list, or
        with * of those that fit.
    tell : callable, optional
        Is told in words of a .txt file that is no list of recordings, as recorders leave their configuration
        beside them, and it is passed over; without it, such a file is refused.

    Raises
    ------
    ConfigError
        An input is no path, does not exist or cannot be looked at, a list is none, or nothing was found; or
        nobody here speaks a URL's protocol, or its store refuses it, or does not answer (`is_unavailable`).
    """
    entries = _given(inputs)
    if not entries:
        raise ConfigError("recordings: none; at least one file, folder or .txt list")
    seen, names, found = set[Identity](), _Names(), dict[str, str]()
    for entry in entries:
        for path in _expand(entry, seen, tell):
            found.setdefault(path if stores.is_url(path) else names.of(path), path)
    if not found:
        raise ConfigError(f"no audio files in {', '.join(entries)}")
    return list(found.values())


def base(inputs: Iterable[str | os.PathLike[str]], found: Iterable[str]) -> str:
    """Return the folder that recordings are seen from, as people do who name inputs.

    The folder that is the one input, a lone file's, or the one that all inputs lie in: so tables that mirror
    recordings lie below names that were not given, and not below those that were.

    Parameters
    ----------
    inputs : iterable of paths
        As `find` was given them.
    found : iterable of str
        What it found.
    """
    given, found = [os.fspath(one) for one in inputs], found if isinstance(found, Sequence) else [*found]
    if any(map(stores.is_url, found)):
        return stores.base(given, found)
    folders = [one for one in given if os.path.isdir(one)]  # noqa: PTH112
    above = tuple(os.path.join(os.path.abspath(one), "") for one in folders)  # noqa: PTH100, PTH118
    others = [path for path in found if not os.path.abspath(path).startswith(above)]  # noqa: PTH100
    return shared([*folders, *(os.path.dirname(path) for path in others)])  # noqa: PTH120


def shared(folders: Iterable[str]) -> str:
    """Return the folder that others are, or lie in: relative if all of them are."""
    first, is_relative = None, True
    for folder in folders:
        is_relative = is_relative and not os.path.isabs(folder)  # noqa: PTH117
        absolute = os.path.abspath(folder)  # noqa: PTH100
        first = absolute if first is None else os.path.commonpath([first, absolute])
    if first is None:
        return os.curdir
    return os.path.relpath(first) if is_relative else first


def size_bytes(path: str | os.PathLike[str]) -> int | None:
    """Return the size of a file; None for one that cannot be looked at, or an object that was not listed."""
    if isinstance(path, str) and stores.is_url(path):
        from .sources import listings

        told = listings.known.of(path)
        return None if told is None else told.size
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return None


class _Names:
    """The one name that all of a file's names lead to; a folder is looked at once, not for each file."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def of(self, path: str) -> str:
        folder, name = os.path.split(path)
        # Not Path's: it raises for a name that is too long, which is the reader's to refuse.
        if name in ("", os.curdir, os.pardir) or os.path.islink(path):  # noqa: PTH114
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder or os.curdir)
        own = f"{self._folders[folder]}/{name}"
        return path if path == own else own  # of a million files it is held once


def _given(inputs: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return inputs as text, and refuse what a program might give by mistake."""
    if isinstance(inputs, str | bytes | os.PathLike) or not isinstance(inputs, Iterable):
        raise ConfigError(f"inputs: {inputs!r} does not fit; it takes a list of paths")
    entries = []
    for entry in inputs:
        path = os.fspath(entry) if isinstance(entry, os.PathLike) else entry
        if not isinstance(path, str):
            raise ConfigError(
                f"input: {entry!r} does not fit; it takes a path as text, as os.fsdecode makes it of bytes"
            )
        if not path:
            raise ConfigError("an input is empty: it names no file")
        entries.append(path)
    return entries


def _expand(entry: str, seen: set[Identity], tell: Callable[[str], None] | None) -> Iterator[str]:
    if stores.is_url(entry):
        yield from _in_store(entry, tell)
        return
    try:
        mode = Path(entry).stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"{entry}: no such file or folder") from error
    except OSError as error:
        raise ConfigError(f"{entry}: cannot be looked at ({error.strerror})") from error
    except ValueError as error:  # a null character in the name
        raise ConfigError(f"{entry!r}: not a file name ({error})") from error
    if stat.S_ISDIR(mode):
        yield from _below(entry, seen)
    elif entry.lower().endswith(LIST_SUFFIX):
        yield from _listed(entry, sources.read(entry, ConfigError, sources.TABLE_BYTES), tell)
    else:
        yield entry


def _in_store(url: str, tell: Callable[[str], None] | None) -> Iterator[str]:
    from .sources import listings

    url = stores.plain(url)
    try:
        if url.partition("?")[0].lower().endswith(LIST_SUFFIX):
            yield from _listed(url, stores.head(url, sources.TABLE_BYTES), tell)
        else:
            yield from listings.meant(url, _is_recording, tell)
    except StoreError as error:
        raise ConfigError(str(error), is_unavailable=error.is_unavailable) from error


def _below(folder: str, seen: set[Identity]) -> Iterator[str]:
    """Walk a folder in the order of names, without the folders that were seen before."""
    ahead = [(folder, True)]
    while ahead:
        path, is_folder = ahead.pop()
        if not is_folder:
            yield path
            continue
        try:
            ahead += reversed(_contents(path, seen))
        except OSError:
            yield path  # one folder's trouble is a row in failures.csv, not the end of the run


def _contents(folder: str, seen: set[Identity]) -> list[tuple[str, bool]]:
    """Return the recordings and folders in a folder by their names, and which are folders."""
    status = Path(folder).stat()
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return []
    seen.add(identity)
    with os.scandir(folder) as listing:
        shown = [entry for entry in listing if not entry.name.startswith(".")]
    found = [(entry.path, _is_folder(entry)) for entry in sorted(shown, key=lambda entry: entry.name)]
    return [(path, down) for path, down in found if down or _is_recording(path)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether to go down; a link in a circle is left to the reader, who gives the reason."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _listed(path: str, content: bytes, tell: Callable[[str], None] | None) -> list[str]:
    """Return a list's lines; without the byte order mark that Windows' editors put first.

    One of its lines at least has to be a path: of a recording by its name, or of what is there; or a URL.
    """
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="surrogateescape")
    del content  # as long as the list
    if "\0" in text:
        raise ConfigError(f"{path}: not a list of paths, one a line")
    lines = [line.strip("\r") for line in text.split("\n") if line.strip()]
    if not lines or any(map(_is_meant, lines)) or any(map(os.path.exists, lines)):
        return [_as_listed(line) for line in lines]
    reason = f"{path}: no list of recordings ({lines[0]!r}, its first line, is not the path of one)"
    if tell is None:
        raise ConfigError(reason)
    tell(f"{reason}; passed over")
    return []


def _as_listed(line: str) -> str:
    """Return a path, or a URL of which nothing is known any more, as an earlier run may have been told."""
    if not stores.is_url(line):
        return line
    from .sources import listings

    listings.known.forget(url := stores.plain(line))
    return url


def _is_meant(line: str) -> bool:
    return _is_recording(line) or stores.is_url(line)


def _is_recording(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES
