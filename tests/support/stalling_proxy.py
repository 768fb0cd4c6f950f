"""A TCP proxy that keeps streams to itself, or leaves them stranded.

It works in threads, since Playwright has a loop of its own.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Self

#: Bytes that a buffering proxy collects before it passes any on, as nginx's first buffer.
BUFFER = 4096


class _Connection:
    """A client's connection and the one to the server behind it."""

    def __init__(self, client: socket.socket, server: socket.socket, holds: bool) -> None:
        self.client, self.server, self.holds = client, server, holds
        self.is_stream = False
        self.stranded = False
        self._held = b""

    def upward(self) -> None:
        """Copy requests; a stream is known by its path."""
        for piece in _pieces(self.client):
            self.is_stream = b" " in piece and b"/api/sse" in piece.split(b"\r\n", 1)[0]
            self.server.sendall(piece)
        self.server.shutdown(socket.SHUT_RDWR)

    def downward(self) -> None:
        """Copy answers, as far as they may pass."""
        for piece in _pieces(self.server):
            if self.stranded:
                continue
            self._held += piece
            if self.is_stream and self.holds and len(self._held) < BUFFER:
                continue
            self.client.sendall(self._held)
            self._held = b""
        if not self.stranded:
            self.cut()

    def cut(self) -> None:
        """End both sides."""
        for side in (self.client, self.server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


class StallingProxy:
    """Listens on ``port``. While ``holding``, new streams reach nobody until a buffer is full."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[_Connection] = []
        self._threads: list[threading.Thread] = []
        self.holding = False
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def cut(self) -> None:
        """End every connection, as a proxy does that is started anew."""
        for connection in list(self._connections):
            connection.cut()

    def strand(self) -> None:
        """Let open streams look open and bring nothing any more, as after a laptop's sleep.

        Other connections are cut, or the browser would put its next call on one of them.
        """
        for connection in list(self._connections):
            if connection.is_stream:
                connection.stranded = True
            else:
                connection.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self._run(partial(self._serve, client))

    def _serve(self, client: socket.socket) -> None:
        target = ("127.0.0.1", self._target)
        with client, suppress(OSError), socket.create_connection(target) as server:
            connection = _Connection(client, server, self.holding)
            with self._listed(connection):
                upward = threading.Thread(target=_quietly, args=[connection.upward])
                upward.start()
                _quietly(connection.downward)
                upward.join()

    @contextmanager
    def _listed(self, connection: _Connection) -> Iterator[None]:
        self._connections.append(connection)
        try:
            yield
        finally:
            self._connections.remove(connection)

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()


def _quietly(work: Callable[[], None]) -> None:
    with suppress(OSError):
        work()


def _pieces(source: socket.socket) -> Iterator[bytes]:
    while piece := source.recv(65536):
        yield piece
