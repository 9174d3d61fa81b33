"""Embeddings as other programs keep them: word2vec's text and binary files, which gensim reads and writes.

Both begin with a line "<n> <dim>". A text file has a line per key: the key and dim numbers, with spaces
between them. A binary file has per key: the key, a space, and dim little-endian float32; word2vec ends each
with a newline, gensim does not. A token's key is its number in decimal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import sources
from .arrays import Float32
from .atomicfile import AtomicFile
from .errors import ConfigError, ModelError

BINARY_SUFFIX = ".bin"
MAX_HEADER_BYTES = 64
NO_TEXT = bytes(byte for byte in range(32) if byte not in b"\t\n\r")  # bytes that no text has
MOST_DIGITS = 20  # of a token
FLOAT = np.dtype("<f4")


class KeyedVectors(NamedTuple):
    """Vectors and the keys they go by."""

    keys: list[str]
    vectors: Float32  # [n, dim]

    def by_token(self, vocabulary_size: int) -> Float32:
        """Return the vectors in the order of tokens.

        Parameters
        ----------
        vocabulary_size : int

        Returns
        -------
        float32 [vocabulary_size, dim]
            Zeros for tokens that have no key.

        Raises
        ------
        ModelError
            A key is no token, or is there twice.
        """
        rows = np.zeros((vocabulary_size, self.vectors.shape[1]), np.float32)
        for key in self.keys:
            is_short = key.isascii() and key.isdecimal() and len(key) < MOST_DIGITS
            if not (is_short and int(key) < vocabulary_size):
                raise ModelError(f"key {key!r} is not a token: a number from 0 to {vocabulary_size - 1}")
        tokens = np.array([int(key) for key in self.keys], np.int64)
        if len(np.unique(tokens)) < len(tokens):
            raise ModelError(f"key {np.bincount(tokens).argmax()} is there twice")
        rows[tokens] = self.vectors
        return rows


def write(
    path: str | os.PathLike[str],
    vectors: Float32,
    keys: Sequence[str | int] | None = None,
    *,
    binary: bool | None = None,
) -> None:
    """Write vectors as a word2vec file, which appears under its name when it is whole.

    Parameters
    ----------
    path : str or path
    vectors : float32 [n, dim]
    keys : list of str or int, optional
        By default 0 .. n - 1.
    binary : bool, optional
        By default, whether the name ends in .bin.

    Raises
    ------
    ConfigError
        Keys that the format cannot hold: not one a vector, empty, or with white space. Or the folder takes
        no file.
    """
    path = Path(path)
    names = [str(key) for key in (range(len(vectors)) if keys is None else keys)]
    if len(names) != len(vectors):
        raise ConfigError(f"keys: {len(names)} for {len(vectors)} vectors")
    for name in names:
        if name.split() != [name]:
            raise ConfigError(
                f"keys: {name!r} is empty or has white space, which ends a key in a word2vec file"
            )
    is_binary = path.suffix == BINARY_SUFFIX if binary is None else binary
    with AtomicFile(path, mode="wb") as file:
        file.stream.write(f"{len(vectors)} {vectors.shape[1]}\n".encode())
        for name, vector in zip(names, vectors.astype(FLOAT), strict=True):
            values = vector.tobytes() if is_binary else " ".join(map(str, vector)).encode() + b"\n"
            file.stream.write(name.encode() + b" " + values)


def read(path: str | os.PathLike[str]) -> KeyedVectors:
    """Read a word2vec file, text or binary.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    KeyedVectors

    Raises
    ------
    ModelError
        The file is missing, cut, has values that are not finite, or is something else, such as gensim's own
        format: that is a pickle, which can run any program, so it is not read.
    """
    path = Path(path)
    data = sources.read(path, ModelError)
    if data[:1] == b"\x80":
        raise ModelError(f"{path}: a pickle; save it with gensim's save_word2vec_format")
    header, newline, _ = data[:MAX_HEADER_BYTES].partition(b"\n")
    sizes = header.split()
    if not newline or len(sizes) != 2 or not all(size.isdigit() for size in sizes):
        raise ModelError(f"{path}: no word2vec file, which begins with the number of keys and their length")
    n, dim = map(int, sizes)
    body = data[len(header) + 1 :]
    if (
        n * max(dim, 1) > len(body) or dim > sources.DATA_BYTES
    ):  # each value or key takes a byte: so a wrong header takes no memory
        raise ModelError(f"{path}: cut; {n} vectors of {dim} do not fit into {len(body)} bytes")
    keys, vectors = [], np.zeros((n, dim), np.float32)
    records = _text_records(body, dim) if _is_text(body, dim) else _binary_records(body, dim)
    try:
        for row in range(n):
            key, vectors[row] = next(records)
            keys.append(key.decode())
        goes_on = next(records, None) is not None
    except (StopIteration, ValueError) as error:
        raise ModelError(f"{path}: cut or damaged at vector {len(keys)} of {n}") from error
    if goes_on:
        raise ModelError(f"{path}: damaged; it goes on behind the {n} vectors that it promises")
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise ModelError(f"{path}: the vector of {keys[wrong[0]]} is not finite (row {wrong[0] + 1} of {n})")
    return KeyedVectors(keys, vectors)


def _is_text(body: bytes, dim: int) -> bool:
    """Say whether the records are lines of a key and dim words, be these numbers or not.

    Numbers as bytes have such among them as no text has, but for a few by chance.
    """
    if len(body.translate(None, NO_TEXT)) < len(body):
        return False
    lines = filter(bytes.strip, body.split(b"\n")[:-1])
    return b"\n" in body and all(len(line.split()) == dim + 1 for line in lines)


def _text_records(body: bytes, dim: int) -> Iterator[tuple[bytes, Float32]]:
    for line in filter(bytes.strip, body.split(b"\n")[:-1]):  # a last line without its end may lack digits
        key, *values = line.split()
        if len(values) != dim:
            raise ValueError
        with np.errstate(over="ignore"):  # what is too large is not finite, which `read` refuses
            vector = np.array(values, np.float32)
        yield key, vector


def _binary_records(body: bytes, dim: int) -> Iterator[tuple[bytes, Float32]]:
    place, length, end = 0, dim * FLOAT.itemsize, len(body.rstrip(b"\n"))
    while place < end:
        space = body.find(b" ", place)
        if space < 0 or space + 1 + length > len(body):
            raise ValueError
        yield body[place:space].lstrip(b"\n"), np.frombuffer(body, FLOAT, dim, space + 1).astype(np.float32)
        place = space + 1 + length
