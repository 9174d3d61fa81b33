"""Recordings and results in the stores of Google and Azure are what they are on a disk."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import birdfast
from birdfast import inputs, models
from birdfast.errors import ConfigError, StoreError
from birdfast.runs import Results, commits, storing
from birdfast.runs.commits import Commit, Content
from birdfast.sources import deposits, listings, pages, stores
from birdfast.sources.versions import of_info

from .azure import ACCOUNT, Azure, azure
from .commands import ran
from .recordings import noise, write

fsspec = pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytestmark = pytest.mark.usefixtures("no_backoff")

KEYS = (
    *("day/*s.wav", "day/a#7.wav", "day/a.wav", "day/at@b.wav", "day/g::h.wav", "day/i?j.wav", "day/l m.wav"),
    *("day/odd//f.wav", "day/sub.wav/e.wav", "day/sub/e.wav", "day/ä%41.wav"),
)
OTHERS = ("day-1/a.wav", "day.wav", "day/.h/x.wav", "day/notes.csv", "day1/a.wav")


class Killed(BaseException):
    """What ends a run as if its process had gone."""


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    """The address of an emulator of Google's."""
    pytest.importorskip("gcsfs", reason="Google's store is spoken by gcsfs")
    server = pytest.importorskip("gcp_storage_emulator.server", reason="Google's store for tests")
    logging.getLogger("gcp_storage_emulator").setLevel(logging.ERROR)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    one = server.create_server("127.0.0.1", port, in_memory=True, default_bucket="birds")
    one.start()
    yield f"http://127.0.0.1:{port}"
    one.stop()


@pytest.fixture(scope="module")
def account() -> Iterator[Azure]:
    pytest.importorskip("adlfs", reason="Azure's store is spoken by adlfs")
    with azure() as one:
        yield one


def ask_google(patch: pytest.MonkeyPatch, address: str) -> None:
    patch.setenv("STORAGE_EMULATOR_HOST", address)
    patch.setenv("FSSPEC_GCS_TOKEN", "anon")
    patch.setitem(fsspec.config.conf, "gcs", {"token": "anon"})
    forget("gs")


def ask_azure(patch: pytest.MonkeyPatch, connection: str) -> None:
    patch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
    for name in ("ACCOUNT_NAME", "ACCOUNT_KEY", "SAS_TOKEN", "CLIENT_ID", "ANON"):
        patch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    forget("az")


def forget(protocol: str) -> None:
    stores._shared.cache_clear()
    fsspec.get_filesystem_class(protocol).clear_instance_cache()


@pytest.fixture(params=["gs", "az"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket."""
    if request.param == "gs":
        ask_google(monkeypatch, request.getfixturevalue("google"))
    else:
        ask_azure(monkeypatch, request.getfixturevalue("account").connection)
    url = f"{request.param}://birds"
    yield url
    store, _ = stores.opened(url)
    for name in store.find("birds"):
        deposits.remove(f"{request.param}://{name}")
    stores._shared.cache_clear()


@pytest.fixture
def blobs(account: Azure, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Azure's alone, empty."""
    ask_azure(monkeypatch, account.connection)
    account.containers["birds"].clear()
    yield account
    account.containers["birds"].clear()
    account.refuses = False
    stores._shared.cache_clear()


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    (tmp_path / "in" / "birds").mkdir(parents=True)
    for number in range(4):
        write(tmp_path / "in" / "birds" / f"{number}.wav", noise(8_000, seed=number), 8_000)
    return tmp_path / "in" / "birds"


def put(url: str, content: bytes) -> None:
    store, path = stores.opened(url)
    store.pipe_file(path, content)


def told(folder: Path, above: str) -> dict[str, str]:
    return {path.name: path.read_text().replace(above, "") for path in folder.glob("*.csv")}


def test_all_keys_below_one_are_found_in_their_order_a_page_at_a_time(
    cloud: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 3)
    for key in (*OTHERS, *reversed(KEYS)):
        put(f"{cloud}/{key}", key.encode())
    urls = [f"{cloud}/{key}" for key in KEYS]
    for above in (f"{cloud}/day", f"{cloud}/day/"):
        assert inputs.find([above]) == urls
    assert len(inputs.find([cloud])) == len(KEYS) + 3
    assert inputs.find([f"{cloud}/day/*.wav"]) == [one for one in urls if one.count("/") == 4]
    for url, version in listings.listed(f"{cloud}/day"):
        assert stores.version(url) == version
        assert stores.fetch(url, str(tmp_path / "came"), 100) == version
        assert f"{cloud}/{(tmp_path / 'came').read_text()}" == url
        assert stores.head(url, 3) == b"day"


def test_recordings_are_heard_as_files_are_and_again_if_they_changed(
    cloud: str, sounds: Path, tiny: models.Model, tmp_path: Path
) -> None:
    for path in sounds.iterdir():
        deposits.put(path, f"{cloud}/in/{path.name}")
    birdfast.run(sounds, tiny.path.parent, output=tmp_path / "local", workers=1)
    heard = list[str]()

    class Hears(birdfast.Follower):
        def add(self, path: str, outcome: object) -> None:
            heard.append(path)

    def run() -> dict[str, str]:
        heard.clear()
        given = {"output": tmp_path / "out", "workers": 1, "followers": [Hears()]}
        birdfast.run(f"{cloud}/in", tiny.path.parent, **given)
        return told(tmp_path / "out", f"{cloud}/in")

    assert run() == told(tmp_path / "local", str(sounds))
    assert len(heard) == 4
    run()
    assert heard == []
    deposits.put(sounds / "0.wav", f"{cloud}/in/1.wav")  # as many bytes
    run()
    assert heard == [f"{cloud}/in/1.wav"]
    deposits.remove(f"{cloud}/in/0.wav")
    deposits.remove(f"{cloud}/in/0.wav")
    assert deposits.read(f"{cloud}/in/0.wav", 10) is None


def lying(url: str) -> dict[str, str]:
    """Return the tables that lie in a store: all that its list tells of is there, and nothing else."""
    said = Commit.of(url, commits.read(url) or b"")
    found = {name: deposits.read(f"{url}/{name}", 1 << 30) or b"" for name in said.files}
    assert {*deposits.names(url)} == {*said.files, commits.NAME}
    assert (said.complete, said.changing) == (True, frozenset())
    for name, one in said.files.items():
        assert one == Content(len(found[name]), hashlib.sha256(found[name]).hexdigest())
    return {name: one.decode() for name, one in found.items() if name.endswith(".csv")}


def test_a_run_that_was_killed_while_it_put_its_results_goes_on_elsewhere(
    cloud: str,
    machine: Callable[[str], None],
    sounds: Path,
    tiny: models.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, puts = f"{cloud}/out", list[str]()
    birdfast.run(sounds, tiny.path.parent, output=tmp_path / "local", workers=1)
    usual = deposits.put

    def dying(file: Path, to: str) -> None:
        puts.append(to)
        if len(puts) == 3:
            raise Killed
        usual(file, to)

    with monkeypatch.context() as patched:
        patched.setattr(deposits, "put", dying)
        with pytest.raises(Killed):
            birdfast.run(sounds, tiny.path.parent, output=url, workers=1)
    assert Commit.of(url, commits.read(url) or b"").files == {}
    machine("two")
    monkeypatch.setattr(deposits, "put", lambda file, to: (puts.append(to), usual(file, to)))
    birdfast.run(sounds, tiny.path.parent, output=url, workers=1)
    assert lying(url) == told(tmp_path / "local", "")
    assert puts[-1] == f"{url}/{commits.NAME}"
    birdfast.run(sounds, tiny.path.parent, output=url, workers=1, kinds=("raven",))
    assert [*lying(url)] == ["failures.csv"]
    put(f"{url}/birdfast.json", b"{}")
    with pytest.raises(ConfigError, match=r"birdfast\.json: "):
        birdfast.run(sounds, tiny.path.parent, output=url, workers=1)


def test_what_is_not_there_is_said_in_words(
    cloud: str, machine: object, sounds: Path, tiny: models.Model, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text(f"{cloud}/none.wav\n")
    birdfast.run(tmp_path / "list.txt", tiny.path.parent, output=tmp_path / "out", workers=1)
    (failure,) = Results(tmp_path / "out").failures
    assert "not there" in failure.message
    nowhere = cloud.replace("birds", "bards")
    for url in (f"{cloud}/none", nowhere, f"{nowhere}/day/a.wav"):
        with pytest.raises(ConfigError, match=f"^{url}: not there$"):
            inputs.find([url])
    with pytest.raises(StoreError, match=r"bards/.*: cannot be put: there is no such bucket"):
        birdfast.run(sounds, tiny.path.parent, output=f"{nowhere}/out", workers=1)
    assert [*storing.runs_folder().rglob("journal.sqlite")] == [], "nothing was heard"


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")  # gcsfs does
def test_what_is_larger_than_a_piece_is_the_same_when_it_comes_back(cloud: str, tmp_path: Path) -> None:
    """Azure's library puts more than 64 MB in pieces, Google's more than 5."""
    n_bytes, large, came = (65 if cloud.startswith("az") else 6) << 20, tmp_path / "large", tmp_path / "came"
    with large.open("wb") as file:
        file.write(b"RIFF")
        file.truncate(n_bytes)
    deposits.put(large, f"{cloud}/large")
    version = stores.version(f"{cloud}/large")
    assert stores.fetch(f"{cloud}/large", str(came), n_bytes) == version
    assert version.size == n_bytes
    assert filecmp.cmp(large, came, shallow=False)


def test_a_blob_that_is_too_large_or_that_nobody_waits_for_is_not_fetched(
    blobs: Azure, tmp_path: Path
) -> None:
    blobs.put("birds", "large", bytes(40 << 20))
    over, came = threading.Event(), str(tmp_path / "came")
    with pytest.raises(StoreError, match="bytes, where 100 were told"):
        stores.fetch("az://birds/large", came, 100)
    over.set()
    with pytest.raises(StoreError, match="nobody waits for it any more$"):
        stores.fetch("az://birds/large", came, 1 << 30, over)


def test_what_a_store_took_in_part_is_not_taken_for_put(
    google: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The emulator takes a last \\r for the end of a line, as gcsfs sends a small object."""
    ask_google(monkeypatch, google)
    (tmp_path / "a").write_bytes(b"sound\r")
    with pytest.raises(StoreError, match="Size mismatch"):
        deposits.put(tmp_path / "a", "gs://birds/a")
    deposits.remove("gs://birds/a")


def test_what_another_puts_is_seen_at_once(blobs: Azure) -> None:
    """adlfs would remember for ever what it had listed: of a list of results, too."""
    blobs.put("birds", "out/birdfast.json", b"one")
    before = stores.version("az://birds/out/birdfast.json")
    assert deposits.names("az://birds/out") == ["birdfast.json"]
    blobs.put("birds", "out/birdfast.json", b"another")
    blobs.put("birds", "out/other.csv", b"x")
    assert stores.version("az://birds/out/birdfast.json") != before
    assert deposits.read("az://birds/out/birdfast.json", 100) == b"another"
    assert deposits.names("az://birds/out") == ["birdfast.json", "other.csv"]


def test_a_head_is_all_that_is_fetched_of_a_blob(blobs: Azure) -> None:
    blobs.put("birds", "a.wav", bytes(1 << 20))
    blobs.n_bytes = 0
    assert stores.head("az://birds/a.wav", 1000) == bytes(1000)
    assert blobs.n_bytes == 1000


def test_a_page_of_azure_may_be_shorter_or_empty_and_folders_may_be_blobs(blobs: Azure) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        blobs.put("birds", name, b"x")
    blobs.put("birds", "folder.wav", b"", {"hdi_isfolder": "true"})
    blobs.most_listed = 2
    try:
        assert inputs.find(["az://birds"]) == [f"az://birds/{name}.wav" for name in "abc"]
    finally:
        blobs.most_listed = 1 << 30


def test_all_ways_to_write_a_container_of_azure_mean_it(blobs: Azure) -> None:
    blobs.put("birds", "day/a.wav", b"x")
    host = f"{ACCOUNT}.dfs.core.windows.net"
    for above in ("az://birds", "abfs://birds", f"abfss://birds@{host}", f"abfs://{host}/birds"):
        assert inputs.find([f"{above}/day"]) == [f"{above}/day/a.wav"]
        assert stores.head(f"{above}/day/a.wav", 2) == b"x"
    with pytest.raises(ConfigError, match=f"AZURE_STORAGE_CONNECTION_STRING is another account's, {ACCOUNT}"):
        inputs.find(["abfss://birds@robins.dfs.core.windows.net/day"])
    with pytest.raises(ConfigError, match="nobody here speaks adl://"):
        inputs.find(["adl://birds/day"])
    with pytest.raises(ConfigError, match=r"\?versionid= cannot be in a name here"):
        inputs.find(["az://birds/day/a.wav?versionid=7"])


def test_a_version_is_one_with_and_without_quotes_and_in_whatever_class_it_is_kept() -> None:
    assert of_info({"size": 1, "etag": '"0x8"'}) == of_info({"size": 1, "etag": "0x8"})
    kept, moved = ({"size": 1, "generation": "7", "etag": tag} for tag in ("CAE=", "CAI="))
    assert of_info(kept) == of_info(moved) != of_info({**kept, "generation": "8"})


def test_credentials_that_azure_does_not_take_are_said_in_words(
    blobs: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.refuses = True
    n_asked = len(blobs.asked)
    with pytest.raises(
        ConfigError, match=r"^az://birds/a.wav: the store lets nobody in \(.*AZURE_STORAGE_ANON"
    ):
        inputs.find(["az://birds/a.wav"])
    assert len(blobs.asked) == n_asked + 1
    with pytest.raises(StoreError, match=r"credentials are looked for in AZURE_STORAGE_CONNECTION_STRING"):
        deposits.read("az://birds/out/birdfast.json", 10)
    for wrong in ("AccountName", f"AccountName={ACCOUNT};AccountKey=x"):
        ask_azure(monkeypatch, wrong)
        with pytest.raises(ConfigError, match=r"lets nobody in .*AZURE_STORAGE_CONNECTION_STRING"):
            inputs.find(["az://birds/a.wav"])
    ask_azure(monkeypatch, "")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    with pytest.raises(ConfigError, match=r"lets nobody in .*AZURE_STORAGE_ACCOUNT_NAME with"):
        inputs.find(["az://birds/a.wav"])


@contextlib.contextmanager
def refusing(status: int, why: str) -> Iterator[str]:
    """Run a server that answers as Google does where somebody may not."""
    asked = f'{{"error": {{"code": {status}, "message": "{why}"}}}}'.encode()

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(asked)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(asked)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "Anonymous caller does not have storage.objects.list access to the bucket."),
        (403, "finch@example.org does not have storage.objects.list access to the bucket."),
    ],
)
def test_credentials_that_google_does_not_take_are_said_in_words(
    status: int, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("gcsfs", reason="Google's store is spoken by gcsfs")
    with refusing(status, why) as address:
        ask_google(monkeypatch, address)
        for url in ("gs://birds", "gs://birds/a.wav", "gs://birds/*.wav"):
            with pytest.raises(
                ConfigError, match=r"lets nobody in .*does not have.* in GOOGLE_APPLICATION_CRED"
            ):
                inputs.find([url])
        command = (sys.executable, "-m", "birdfast", "infer", "gs://birds", "-o", tmp_path / "out")
        said = ran(*command)
        assert said.stderr.startswith("birdfast: gs://birds: the store lets nobody in")
        assert said.stderr.count("\n") == 1
