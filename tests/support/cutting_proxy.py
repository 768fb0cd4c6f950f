"""A TCP proxy that cuts an answer after so many bytes of its body."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self

import gevent
from gevent import socket
from gevent.server import StreamServer

from tests.support import raw_http


class CuttingProxy:
    """Listens on ``port``; cuts one connection when ``left`` more bytes have come through."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        #: Bytes of bodies to let through before the cut; None is all. A cut sets it to None.
        self.left: int | None = None
        #: Bytes of bodies that have come through so far.
        self.passed = self.cuts = 0

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server.server_port is not None
        return self._server.server_port

    def _serve(self, client: socket.socket, _address: Any) -> None:
        with client, raw_http.connect(self._target) as server, suppress(OSError):
            upward = gevent.spawn(_copy, client, server)
            try:
                self._downward(server, client)
            finally:
                upward.kill()

    def _downward(self, server: socket.socket, client: socket.socket) -> None:
        status = b""
        while b"\r\n\r\n" not in status:
            status += server.recv(65536)
        head, _, piece = status.partition(b"\r\n\r\n")
        client.sendall(head + b"\r\n\r\n")
        while self._let_through(piece, client):
            piece = server.recv(65536)
            if not piece:
                return

    def _let_through(self, piece: bytes, client: socket.socket) -> bool:
        """Pass on what may pass, and say whether the connection stays."""
        allowed = piece if self.left is None else piece[: self.left]
        client.sendall(allowed)
        self.passed += len(allowed)
        if self.left is None:
            return True
        self.left -= len(allowed)
        if self.left:
            return True
        self.left = None
        self.cuts += 1
        return False


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
