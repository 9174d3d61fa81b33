"""Recordings and results on a server of SFTP are what they are on a disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import birdfast
from birdfast import inputs, models
from birdfast.errors import ConfigError, StoreError
from birdfast.runs import Results, storing
from birdfast.sources import stores

from .recordings import noise, write

pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytest.importorskip("paramiko", reason="SFTP is spoken by paramiko")
from .sftp import Server

pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what goes wrong here is meant to
    monkeypatch.setenv("HOME", str(tmp_path))  # no keys of whoever tests
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "root" / "birds").mkdir(parents=True)
    for number in range(3):
        write(tmp_path / "root" / "birds" / f"{number}.wav", noise(8_000, seed=number), 8_000)
    server = Server(tmp_path / "root")
    yield server
    server.close()


def told(folder: Path, above: str) -> dict[str, str]:
    return {path.name: path.read_text().replace(above, "") for path in folder.glob("*.csv")}


def test_recordings_and_results_on_a_server_are_those_of_a_disk(
    server: Server, tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "runs_folder", lambda: tmp_path / "runs")
    own, there = tmp_path / "root" / "birds", server.url("birds")
    birdfast.run(own, tiny.path.parent, output=tmp_path / "local", workers=1)
    birdfast.run(there, tiny.path.parent, output=tmp_path / "fetched", workers=1)
    assert told(tmp_path / "fetched", there) == told(tmp_path / "local", str(own))
    birdfast.run(own, tiny.path.parent, output=server.url("out/deep"), workers=1)
    assert told(tmp_path / "root" / "out" / "deep", "") == told(tmp_path / "local", "")
    assert not list((tmp_path / "root" / "out" / "deep").glob("*.part"))


def test_a_server_that_hung_up_is_asked_on_a_new_connection(server: Server) -> None:
    urls = [server.url(f"birds/{number}.wav") for number in range(3)]
    assert inputs.find([server.url("birds")]) == urls
    server.hang_up()
    assert stores.head(urls[1], 4) == b"RIFF"


def test_a_refused_login_is_said_in_words_and_at_once(server: Server) -> None:
    with pytest.raises(ConfigError, match="Authentication failed") as refused:
        inputs.find([server.url("birds", password="finch")])
    assert "times" not in str(refused.value)
    assert len(server.transports) == 1


def test_a_recording_that_is_gone_is_a_row(server: Server, tiny: models.Model, tmp_path: Path) -> None:
    urls = [server.url("birds/0.wav"), server.url("birds/none.wav")]
    (tmp_path / "list.txt").write_text("\n".join(urls))
    birdfast.run(tmp_path / "list.txt", tiny.path.parent, output=tmp_path / "out", workers=1)
    (failure,) = Results(tmp_path / "out").failures
    assert failure.path == urls[1]
    assert "not there" in failure.message


def test_results_that_a_server_refuses_are_said_so(
    server: Server, tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "runs_folder", lambda: tmp_path / "runs")
    own, there = tmp_path / "root" / "birds", server.url("out", password="finch")
    with pytest.raises((ConfigError, StoreError), match="Authentication failed"):
        birdfast.run(own, tiny.path.parent, output=there, workers=1)
