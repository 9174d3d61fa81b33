"""An SFTP server for tests: a folder of this machine, for who knows the password."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer

USER, PASSWORD = "listener", "wren"


class _Files(paramiko.SFTPServerInterface):
    """A folder, as the root of all that is asked for."""

    def __init__(self, server: Any, root: Path) -> None:
        self._root = root

    def _at(self, path: str) -> Path:
        return Path(f"{self._root}{self.canonicalize(path)}")

    def list_folder(self, path: str) -> Any:
        with _answering() as told, os.scandir(self._at(path)) as found:
            told.value = [SFTPAttributes.from_stat(one.stat(), one.name) for one in found]
        return told.value

    def stat(self, path: str) -> Any:
        with _answering() as told:
            told.value = SFTPAttributes.from_stat(self._at(path).stat())
        return told.value

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        with _answering() as told:
            handle, mode = (
                SFTPHandle(flags),
                "wb" if flags & os.O_WRONLY else "r+b" if flags & os.O_RDWR else "rb",
            )
            handle.readfile = handle.writefile = self._at(path).open(mode)
            handle.stat = lambda: SFTPAttributes.from_stat(self._at(path).stat())
            told.value = handle
        return told.value

    def remove(self, path: str) -> Any:
        with _answering() as told:
            self._at(path).unlink()
        return told.value

    def mkdir(self, path: str, attr: Any) -> Any:
        with _answering() as told:
            self._at(path).mkdir()
        return told.value

    def posix_rename(self, old: str, new: str) -> Any:
        with _answering() as told:
            self._at(old).replace(self._at(new))
        return told.value


class _Told:
    value: Any = paramiko.SFTP_OK


@contextlib.contextmanager
def _answering() -> Iterator[_Told]:
    """Let an error of the system's be an answer."""
    told = _Told()
    try:
        yield told
    except OSError as error:
        told.value = SFTPServer.convert_errno(error.errno)


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        fits = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if fits else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Server(threading.Thread):
    """Serves a folder until it is closed.

    Attributes
    ----------
    port : int
    """

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self._root, self._key = root, paramiko.ECDSAKey.generate()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.transports = list[paramiko.Transport]()
        self.start()

    def url(self, path: str, password: str = PASSWORD) -> str:
        return f"sftp://{USER}:{password}@127.0.0.1:{self.port}/{path}"

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            self.transports.append(transport)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", SFTPServer, _Files, self._root)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(threading.Event(), _Door())

    def hang_up(self) -> None:
        """Cut who is connected off."""
        for transport in self.transports:
            transport.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
