"""A pattern means what fsspec's does, in the folders alone where that may lie."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from birdfast.errors import ConfigError, StoreError
from birdfast.sources import listings, patterns, stores

pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytestmark = pytest.mark.usefixtures("no_backoff")

Name = st.sampled_from(("a", "b.wav", "ab", "a.wav", "[a]", ".a"))
Part = st.sampled_from(("*", "a*", "?.wav", "[ab].wav", "**", "a", "*.wav", "a?"))


def names(url: str) -> list[str]:
    return [name for name, _ in listings.listed(url)]


@example([("a", "a.wav"), ("ab", "a.wav"), ("b.wav",)], ["*", "a.wav"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(Name, min_size=1, max_size=4).map(tuple), min_size=1, max_size=8),
    st.lists(Part, min_size=1, max_size=3),
)
def test_what_fits_is_what_fsspec_finds(memory: Any, keys: list[tuple[str, ...]], parts: list[str]) -> None:
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    for key in keys:
        above = ["/b/" + "/".join(key[:n]) for n in range(1, len(key))]
        if not any(map(memory.isfile, above)) and not memory.isdir("/b/" + "/".join(key)):
            memory.pipe_file("/b/" + "/".join(key), b"x")
    pattern = "/".join(("memory://b", *parts))
    if "*" not in pattern:
        return
    if not memory.exists(f"/{patterns.base(pattern.partition('://')[2])}".rstrip("/")):
        with pytest.raises(StoreError, match="not there"):  # where fsspec finds nothing, in silence
            names(pattern)
        return
    found = memory.glob(pattern, detail=True)
    wanted = [name for name, one in sorted(found.items()) if one["type"] == "file"]
    assert names(pattern) == [f"memory:/{name}" for name in wanted if "/." not in name]


def test_what_lies_at_the_top_of_an_archive_is_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "may.zip", "w") as archive:
        for name in ("a.wav", "b.wav", "d/c.wav", "d/e/f.wav"):
            archive.writestr(name, b"x")
    behind = f"::file://{tmp_path}/may.zip"
    for pattern, wanted in (
        ("*.wav", ["a.wav", "b.wav"]),
        ("*/*.wav", ["d/c.wav"]),
        ("**/*.wav", ["a.wav", "b.wav", "d/c.wav", "d/e/f.wav"]),
    ):
        assert names(f"zip://{pattern}{behind}") == [f"zip://{name}{behind}" for name in wanted]


class Server:
    """A server of folders, as sftp has them: whoever asks for "" is in the folder of the login."""

    TREE: ClassVar = {
        "/": ["data/", "home/", "x.wav"],
        "/data/": ["ok1/", "ok2/", "lost+found/", ".hidden/", "deep.wav"],
        "/home/": ["x.wav"],
        "/data/ok1/": ["1.wav", "below/"],
        "/data/ok2/": ["2.wav", "2.txt"],
        "/data/ok1/below/": ["3.wav"],
    }

    def ls(self, folder: str, detail: bool) -> list[dict[str, Any]]:
        inside = self.TREE[f"{folder.rstrip('/')}/"] if folder else pytest.fail("the folder of the login")
        above = folder.rstrip("/")
        return [
            {"name": f"{above}/{name.rstrip('/')}", "type": "directory" if name.endswith("/") else "file"}
            for name in inside
        ]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("/*.wav", ["/x.wav"]),
        ("/data/ok*/*.wav", ["/data/ok1/1.wav", "/data/ok2/2.wav"]),
        ("/*/ok1/**", ["/data/ok1/1.wav", "/data/ok1/below/3.wav"]),
        ("/d*/deep.wav", ["/data/deep.wav"]),
    ],
)
def test_folders_in_which_nothing_fits_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, pattern: str, wanted: list[str]
) -> None:
    """They may be somebody else's: `Server` has nothing of lost+found and .hidden."""
    monkeypatch.setattr(stores, "opened", lambda url: (Server(), url.removeprefix("sftp://host")))
    assert names(f"sftp://host{pattern}") == [f"sftp://host{name}" for name in wanted]


@pytest.mark.parametrize("store", ["sftp://host", "file://"])
def test_a_server_is_listed_from_its_root(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setattr(Server, "TREE", {"/": ["x.wav"]})
    monkeypatch.setattr(stores, "opened", lambda url: (Server(), url.removeprefix(store)))
    for end in ("/", "/*.wav"):
        assert names(f"{store}{end}") == [f"{store}/x.wav"]


@pytest.mark.parametrize("pattern", ["**.wav", "2024**/*.wav"])
def test_two_stars_in_a_part_of_a_path_are_refused_in_words(memory: Any, pattern: str) -> None:
    memory.pipe_file("/b/a.wav", b"x")
    with pytest.raises(ConfigError, match=r"memory://b/.*: \*\* stands for whole folders"):
        names(f"memory://b/{pattern}")
