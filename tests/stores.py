"""Stores for tests: an S3 of this machine, and a proxy before it that fails as networks do."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from birdfast.workers.beside import TOLD

ACCESS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
FAILS = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy(threading.Thread):
    """Passes a request a connection on, and fails by a seed: 500s, slow answers, connections that are cut."""

    def __init__(self, port: int, seed: int = 0, share: float = 0.0) -> None:
        super().__init__(daemon=True)
        self._server, self._to, self.share = socket.create_server(("127.0.0.1", 0)), port, share
        self.port, self._seed = self._server.getsockname()[1], seed
        self.harm: dict[str, int] = {"500": 0, "slow": 0, "cut": 0}
        self.asked: list[str] = []
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        n = 0
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            n += 1
            threading.Thread(target=self._serve, args=(client, self._seed + n), daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self, client: socket.socket, seed: int) -> None:
        chance = random.Random(seed)
        with contextlib.suppress(OSError), client:
            client.settimeout(20)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            lines = head.partition(b"\r\n\r\n")
            told = [one for one in lines[0].split(b"\r\n") if not one.lower().startswith(b"connection:")]
            self.asked.append(told[0].decode())
            how = chance.choice(("500", "slow", "cut")) if chance.random() < self.share else ""
            if how:
                self.harm[how] += 1
            if how == "500":
                client.sendall(FAILS)
                return
            with socket.create_connection(("127.0.0.1", self._to)) as server:
                server.settimeout(20)
                server.sendall(b"\r\n".join([*told, b"Connection: close"]) + b"\r\n\r\n" + lines[2])
                threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
                if how == "slow":
                    time.sleep(0.2)
                n_left = chance.randrange(200, 4000) if how == "cut" else 1 << 60
                while n_left > 0 and (piece := server.recv(65536)):
                    client.sendall(piece[:n_left])
                    n_left -= len(piece)


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := client.recv(65536):
            server.sendall(piece)


@contextlib.contextmanager
def s3() -> Iterator[int]:
    """Run moto's server; its port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


def client(port: int) -> object:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )


def most_bytes(folder: Path, until: threading.Event) -> int:
    """Return the most bytes of recordings that lay below a scratch folder at any look.

    What is there at two looks was there between them: at one alone, one file may have made room for the next.
    """
    most = 0
    while not until.wait(0.002):
        before, after = _sizes(folder), _sizes(folder)
        most = max(most, sum(min(size, after.get(path, 0)) for path, size in before.items()))
    return most


def _sizes(folder: Path) -> dict[Path, int]:
    sizes = dict[Path, int]()
    with contextlib.suppress(OSError):
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and path.name != TOLD:
                    sizes[path] = path.stat().st_size
    return sizes
