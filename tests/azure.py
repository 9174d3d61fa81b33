"""Azure's blobs for tests: as much of its REST as birdfast asks for, held to what Azurite answers."""

from __future__ import annotations

import base64
import contextlib
import itertools
import re
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT = "finches"
KEY = base64.b64encode(b"nothing is signed for").decode()
XML = '<?xml version="1.0" encoding="utf-8"?>'
DATE = formatdate(0, usegmt=True)


class Azure:
    """What lies in an account: blobs by container and name, each with its ETag; and what was asked."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, tuple[bytes, str, dict[str, str]]]] = {}
        self.blocks: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.n_bytes, self.refuses, self.port = 0, False, 0
        self.most_listed = 1 << 30  # a page, whatever is asked for
        self._numbers = itertools.count(0x8DC000000000000)

    @property
    def connection(self) -> str:
        """AZURE_STORAGE_CONNECTION_STRING."""
        place = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={place}"

    def put(self, container: str, name: str, content: bytes, metadata: dict[str, str] | None = None) -> None:
        self.containers[container][name] = content, f'"0x{next(self._numbers):X}"', metadata or {}


@contextlib.contextmanager
def azure() -> Iterator[Azure]:
    """Run one with a container, birds."""
    blobs = Azure()
    blobs.containers["birds"] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Ours", (Handler,), {"azure": blobs}))
    server.daemon_threads, blobs.port = True, server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield blobs
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    azure: Azure
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        _, _, container, name = [*map(unquote, parts.path.split("/", 3)), "", ""][:4]
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.azure.asked.append(f"{self.command} {container}/{name} {asked.get('comp', '')}".strip())
        blobs = self.azure.containers.get(container)
        if self.azure.refuses:
            self.refuse(403, "AuthorizationFailure", "Server failed to authenticate the request.")
        elif blobs is None:
            self.refuse(404, "ContainerNotFound", "The specified container does not exist.")
        elif not name:
            if asked.get("comp") == "list":
                self.answer(200, self.listed(container, asked), {"Content-Type": "application/xml"})
            else:
                self.answer(200, b"", {"ETag": '"0x1"', "Last-Modified": DATE})
        elif self.command == "PUT":
            self.take(container, name, asked, body)
        elif name not in blobs:
            self.refuse(404, "BlobNotFound", "The specified blob does not exist.")
        elif self.command == "DELETE":
            del blobs[name]
            self.answer(202)
        else:
            self.give(*blobs[name])

    do_GET = do_HEAD = do_PUT = do_DELETE = handle_any

    def take(self, container: str, name: str, asked: dict[str, str], body: bytes) -> None:
        metadata = {
            key[10:].lower(): value
            for key, value in self.headers.items()
            if key.lower().startswith("x-ms-meta-")
        }
        if asked.get("comp") == "block":
            self.azure.blocks[asked["blockid"]] = body
            self.answer(201)
            return
        if asked.get("comp") == "blocklist":
            named = re.findall(rb"<Latest>([^<]+)</Latest>", body)
            body = b"".join(self.azure.blocks.pop(one.decode()) for one in named)
        self.azure.put(container, name, body, metadata)
        self.answer(201, b"", {"ETag": self.azure.containers[container][name][1], "Last-Modified": DATE})

    def give(self, content: bytes, etag: str, metadata: dict[str, str]) -> None:
        told = {"ETag": etag, "Last-Modified": DATE, "x-ms-blob-type": "BlockBlob"}
        told |= {f"x-ms-meta-{key}": value for key, value in metadata.items()}
        given = self.headers.get("x-ms-range") or self.headers.get("Range") if self.command == "GET" else None
        if not given:
            self.answer(200, content, told)
            return
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", given).groups()
        if int(first) >= len(content):
            self.refuse(416, "InvalidRange", "The range specified is invalid.")
            return
        some = content[int(first) : int(last) + 1 if last else None]
        told["Content-Range"] = f"bytes {first}-{int(first) + len(some) - 1}/{len(content)}"
        self.azure.n_bytes += len(some)
        self.answer(206, some, told)

    def listed(self, container: str, asked: dict[str, str]) -> bytes:
        """Return a page: blobs of a prefix and, with a delimiter, what would be folders."""
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter")
        n_most = min(int(asked.get("maxresults", 5000)), self.azure.most_listed)
        found = dict[str, str]()
        for name, (content, etag, metadata) in self.azure.containers[container].items():
            if not name.startswith(prefix):
                continue
            above, is_cut, _ = name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if is_cut:
                folder = f"{prefix}{above}{is_cut}"
                found[folder] = f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>"
                continue
            more = "".join(f"<{key}>{value}</{key}>" for key, value in metadata.items())
            found[name] = (
                f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{DATE}</Last-Modified>"
                f"<Etag>{etag.strip(chr(34))}</Etag><Content-Length>{len(content)}</Content-Length>"
                "<BlobType>BlockBlob</BlobType></Properties>"
                f"<Metadata>{more}</Metadata></Blob>"
            )
        names = sorted(name for name in found if name >= asked.get("marker", ""))
        after = names[n_most] if len(names) > n_most else ""
        page = "".join(found[name] for name in names[:n_most])
        return (
            f'{XML}<EnumerationResults ContainerName="{container}"><Prefix>{escape(prefix)}</Prefix>'
            f"<Delimiter>{delimiter or ''}</Delimiter><Blobs>{page}</Blobs>"
            f"<NextMarker>{escape(after)}</NextMarker></EnumerationResults>"
        ).encode()

    def refuse(self, status: int, code: str, words: str) -> None:
        text = f"{XML}<Error><Code>{code}</Code><Message>{words}</Message></Error>"
        self.answer(status, text.encode(), {"x-ms-error-code": code, "Content-Type": "application/xml"})

    def answer(self, status: int, body: bytes = b"", told: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {
            "x-ms-version": "2021-08-06",
            **(told or {}),
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)
