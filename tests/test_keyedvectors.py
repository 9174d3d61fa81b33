"""Vectors go to word2vec files and come back the same, and gensim's files are read."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from birdfast import keyedvectors
from birdfast.errors import ConfigError, ModelError

GOLDEN = Path(__file__).parent / "golden"
VALUES = np.array([[1, -0.1, 3e-8], [np.pi, 1e20, 0], [-2, 0.5, 123456.79]], np.float32)
VECTORS = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 9)),
    elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
)


@pytest.mark.parametrize("name", ["word2vec.txt", "word2vec.bin"])
def test_gensims_files_are_read(name: str) -> None:
    found = keyedvectors.read(GOLDEN / name)
    assert found.keys == ["7", "0", "12"]
    np.testing.assert_array_equal(found.vectors, VALUES)
    rows = found.by_token(13)
    np.testing.assert_array_equal(rows[[7, 0, 12]], VALUES)
    assert np.count_nonzero(rows.any(axis=1)) == 3


@pytest.mark.parametrize("name", ["word2vec.txt", "word2vec.bin"])
def test_what_we_write_is_gensims_byte_for_byte(name: str, tmp_path: Path) -> None:
    keyedvectors.write(tmp_path / name, VALUES, ["7", "0", "12"])
    ours, theirs = (folder.joinpath(name).read_bytes() for folder in (tmp_path, GOLDEN))
    assert ours == theirs
    assert [file.name for file in tmp_path.iterdir()] == [name]


@settings(deadline=None)
@given(VECTORS, st.booleans())
def test_vectors_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray, binary: bool
) -> None:
    path = tmp_path_factory.mktemp("vectors") / "v"
    keyedvectors.write(path, vectors, binary=binary)
    found = keyedvectors.read(path)
    assert found.keys == [str(row) for row in range(len(vectors))]
    np.testing.assert_array_equal(found.vectors.view(np.uint32), vectors.view(np.uint32))


def test_word2vecs_own_binary_has_newlines(tmp_path: Path) -> None:
    rows = VALUES.astype("<f4")
    path = tmp_path / "c.bin"
    path.write_bytes(b"2 3\n" + b"".join(b"%d " % i + rows[i].tobytes() + b"\n" for i in range(2)))
    found = keyedvectors.read(path)
    assert found.keys == ["0", "1"]
    np.testing.assert_array_equal(found.vectors, VALUES[:2])


def test_a_value_that_looks_like_a_newline_or_a_space_is_a_value(tmp_path: Path) -> None:
    tricky = np.frombuffer(b"\n\n\n\n    \n 1 ", "<f4").astype(np.float32).reshape(1, 3)
    keyedvectors.write(tmp_path / "v.bin", np.repeat(tricky, 4, axis=0))
    np.testing.assert_array_equal(keyedvectors.read(tmp_path / "v.bin").vectors, np.repeat(tricky, 4, axis=0))


@pytest.mark.parametrize("name", ["word2vec.txt", "word2vec.bin"])
def test_a_cut_file_is_a_model_error(name: str, tmp_path: Path) -> None:
    data = (GOLDEN / name).read_bytes()
    path = tmp_path / name
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ModelError, match=name):
            keyedvectors.read(path)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"RIFF....WAVE", "no word2vec file"),
        (b"3 x\n", "no word2vec file"),
        (pickle.dumps([1]), "a pickle"),
        (b"999999999 999999999\n0 1", "do not fit"),
        (b"99999999999999999999 0\n", "do not fit"),
        (b"2 1\na 1e99\nb 1\n", "the vector of a is not finite"),
    ],
)
def test_something_else_is_a_model_error(data: bytes, named: str, tmp_path: Path) -> None:
    path = tmp_path / "v"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=named):
        keyedvectors.read(path)


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["v.txt", "v.bin"])
def test_a_vector_that_is_not_finite_is_named(value: float, name: str, row: int, tmp_path: Path) -> None:
    vectors = VALUES.copy()
    vectors[row, 2] = value
    keyedvectors.write(tmp_path / name, vectors, ["a", "b", "c"])
    named = rf"{name}: the vector of {'abc'[row]} is not finite \(row {row + 1} of 3\)"
    with pytest.raises(ModelError, match=named):
        keyedvectors.read(tmp_path / name)


def test_text_whose_first_row_is_not_finite_is_not_taken_for_binary(tmp_path: Path) -> None:
    """Its digits would be floats, and the spaces between them keys."""
    path = tmp_path / "v.txt"
    path.write_text("2 1\n0 nan\n1 0.25\n2 0.125\n3 7\n4 8\n")
    with pytest.raises(ModelError, match=r"v\.txt"):
        keyedvectors.read(path)
    rows = "".join(f"{key} {' '.join(['nan' if key == 0 else '0.123456'] * 3)}\n" for key in range(40))
    path.write_text(f"40 3\n{rows}")
    with pytest.raises(ModelError, match=r"the vector of 0 is not finite \(row 1 of 40\)"):
        keyedvectors.read(path)


@pytest.mark.parametrize("name", ["word2vec.txt", "word2vec.bin"])
def test_a_file_that_goes_on_behind_its_vectors_is_a_model_error(name: str, tmp_path: Path) -> None:
    data = (GOLDEN / name).read_bytes()
    (tmp_path / name).write_bytes(b"2" + data[1:])
    with pytest.raises(ModelError, match=f"{name}: damaged; it goes on behind the 2"):
        keyedvectors.read(tmp_path / name)


def test_a_missing_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone.bin: cannot be read .No such file"):
        keyedvectors.read(tmp_path / "gone.bin")


@pytest.mark.parametrize("keys", [["a", "1"], ["-1", "1"], ["9", "1"], ["1", "1"], ["٣", "1"]])
def test_a_key_that_is_no_token_is_named(keys: list[str]) -> None:
    with pytest.raises(ModelError, match="key"):
        keyedvectors.KeyedVectors(keys, VALUES[:2]).by_token(9)


@pytest.mark.parametrize("keys", [["a"], ["a b", "c"], ["", "c"], ["a\n", "c"]])
def test_keys_that_the_format_cannot_hold_are_refused(keys: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keys"):
        keyedvectors.write(tmp_path / "v", VALUES[:2], keys)
    assert not list(tmp_path.iterdir())


def test_a_file_appears_when_it_is_whole_and_touches_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".v.txt.part").write_text("mine")
    (tmp_path / "v.txt").write_text("before")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            keyedvectors.write(tmp_path / "v.txt", VALUES)
    assert (tmp_path / "v.txt").read_text() == "before"
    keyedvectors.write(tmp_path / "v.txt", VALUES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".v.txt.part", "v.txt"]
    assert (tmp_path / ".v.txt.part").read_text() == "mine"


def test_a_folder_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        keyedvectors.write(tmp_path / "nowhere/v.txt", VALUES)


@pytest.mark.parametrize("word", ["1.#IND", "1.#QNAN", "nan(ind)", "null", "-"])
def test_text_whose_words_are_no_numbers_is_not_taken_for_binary(tmp_path: Path, word: str) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(f"2 2\n0 {word} 2\n1 {word} 2\n")
    with pytest.raises(ModelError, match="cut or damaged at vector 0 of 2"):
        keyedvectors.read(path)


def test_a_key_of_many_digits_is_no_token() -> None:
    made = keyedvectors.KeyedVectors(["9" * 5_000], np.ones((1, 2), np.float32))
    with pytest.raises(ModelError, match="is not a token"):
        made.by_token(10)
