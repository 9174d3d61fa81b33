"""A server of one page, for this machine alone, which finds the sound of a detection when it is asked for.

It knows the page, the clip of a detection by its number, what sounds like a detection, and the clip of one of
those by its number among them. No part of a request becomes a path.
"""

from __future__ import annotations

import json
import re
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Lock
from typing import Any

from ..config import whole
from ..errors import AudioError, ConfigError
from ..tables import escaped
from . import alike, columns, page
from .alike import Near
from .clips import Clip, Sound
from .gathered import Gathered

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS, MOST_DECODERS = 32, 4  # at once; others wait
SILENT_S = 10.0  # after which a connection that says nothing is closed
WANTED = re.compile(r"(clip|near)/([0-9]{1,7})(?:/([0-9]{1,2}))?")
MOST_SEARCHES = 64  # that are remembered
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",  # other sites' pages are not to show what is here
    "Referrer-Policy": "no-referrer",  # the address holds the word that opens it
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Server(ThreadingHTTPServer):
    """Serves a page and its clips on the loopback interface; a context manager.

    Others who work on this machine reach that, too: the address holds a word that they do not know.

    Parameters
    ----------
    gathered : Gathered
    sound : Sound
    port : int
        0 takes one that is free.

    Attributes
    ----------
    address : str
        Of the page.

    Raises
    ------
    ConfigError
        The port is taken, or jinja2 is missing.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, gathered: Gathered, sound: Sound, port: int = 0) -> None:
        self.sound, self.n_rows = sound, len(gathered.rows)
        self.html = page.html(columns.told(gathered), "asked").encode("utf-8")
        self.root = f"/{secrets.token_urlsafe(16)}/"
        self.decoders = BoundedSemaphore(MOST_DECODERS)
        self._gathered, self._searching, self._searches = gathered, Lock(), dict[int, list[Near]]()
        self._connections = BoundedSemaphore(MOST_CONNECTIONS)
        try:
            super().__init__((LOOPBACK, whole("port", port, 0, 65_535)), _Handler)
        except OSError as error:
            raise ConfigError(f"port {port}: cannot be served on ({error.strerror})") from error
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}
        self.address = f"http://{LOOPBACK}:{self.server_port}{self.root}"

    def near(self, row: int) -> list[Near]:
        """Return what sounds like a row; one search at once, as each has all embeddings read.

        Raises
        ------
        ConfigError
            As `alike.of_row`.
        """
        with self._searching:
            if row not in self._searches:
                while len(self._searches) >= MOST_SEARCHES:
                    del self._searches[next(iter(self._searches))]
                self._searches[row] = alike.of_row(self._gathered, row)
            return self._searches[row]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread of its own, when there are not too many."""
        self._connections.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer in that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of those who hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = SILENT_S
    server_version, sys_version = "birdfast", ""

    def do_GET(self) -> None:
        """Answer with the page, or with a clip."""
        if self.headers.get_all("Host", []) not in ([host] for host in self.server.hosts):
            return self._say(HTTPStatus.FORBIDDEN, "this is served to this machine alone")
        if not secrets.compare_digest(self.path[: len(self.server.root)].encode(), self.server.root.encode()):
            return self._say(HTTPStatus.NOT_FOUND, "no such page")
        wanted = self.path[len(self.server.root) :]
        if not wanted:
            return self._answer(HTTPStatus.OK, "text/html; charset=utf-8", self.server.html)
        found = WANTED.fullmatch(wanted)
        if found is None or int(found[2]) >= self.server.n_rows or (found[1] == "clip" and found[3]):
            return self._say(HTTPStatus.NOT_FOUND, "no such page")
        return self._told(found[1], int(found[2]), None if found[3] is None else int(found[3]))

    def log_message(self, *_: object) -> None:
        """Say nothing: whoever looks sees it."""

    def _told(self, what: str, row: int, number: int | None) -> None:
        try:
            near = self.server.near(row) if what == "near" else []
            if what == "near" and number is None:
                return self._json(HTTPStatus.OK, {"near": [columns.near(one) for one in near]})
            if number is not None and number >= len(near):
                return self._say(HTTPStatus.NOT_FOUND, "no such page")
            clip = self._clip(row if number is None else near[number])
        except (AudioError, ConfigError) as error:
            return self._say(HTTPStatus.NOT_FOUND, escaped(str(error)))
        return self._json(HTTPStatus.OK, columns.clip(clip))

    def _clip(self, of: int | Near) -> Clip:
        sound = self.server.sound
        with self.server.decoders:
            return sound.clip(of) if isinstance(of, int) else sound.of_window(of)

    def _say(self, status: HTTPStatus, text: str) -> None:
        self._json(status, {"error": text})

    def _json(self, status: HTTPStatus, values: dict[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(values).encode())

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
