"""HTTP over a gevent socket, byte by byte in our hands: many clients in one test process."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from gevent import socket

#: Seconds that one call may take; longer than any worker takes to come back.
PATIENCE = 30


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def request_bytes(
    method: str,
    path: str,
    token: str | None,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Return one request, whose connection is closed after the answer."""
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": "127.0.0.1", "Connection": "close", **(headers or {})}
    if token:
        fields["Authorization"] = f"Bearer {token}"
    if body is not None:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def connect(port: int, host: str = "127.0.0.1", receive_buffer: int = 0) -> socket.socket:
    """Return a connection; ``receive_buffer`` makes the kernel hold less for a slow reader."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE)
    try:
        sock.connect((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def read_head(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Return an answer's status, its headers in lower case, and what was read behind them.

    Raises:
        OSError: the connection ended first.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionResetError("closed before an answer")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.lower(): text.strip() for name, _, text in fields}, rest


def call(
    port: int,
    method: str,
    path: str,
    token: str | None = None,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Make one call.

    Raises:
        OSError: there was no whole answer.
    """
    with connect(port) as sock:
        sock.sendall(request_bytes(method, path, token, body, headers))
        status, fields, content = read_head(sock)
        while piece := sock.recv(65536):
            content += piece
    if len(content) < int(fields.get("content-length", 0)):
        raise ConnectionResetError("closed within an answer")
    return Answer(status, fields, content)
