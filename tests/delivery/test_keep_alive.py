"""Connections between two requests: nobody's request is lost because a silence was over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from gevent import socket

from tests.support.raw_http import connect, read_head
from tests.support.sabotage import sabotage
from tests.support.server import Server
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.sqlite]

#: Seconds; gunicorn takes whole ones.
SILENCE = 1
#: Connections that are silent together: of one alone the request might be seen before the silence.
SILENT = 30
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that hangs up soon."""
    folder = tmp_path_factory.mktemp("hasty") / "data"
    folder.mkdir()
    with Server(folder, GUNICORN_CMD_ARGS=f"--keep-alive {SILENCE}") as running:
        yield running


def worker_of(server: Server) -> int:
    return int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text())


def kept_connection(server: Server) -> socket.socket:
    """Return a connection on which a request has been answered."""
    sock = connect(server.port)
    ask(sock, HEAD)
    return sock


def ask(sock: socket.socket, head: bytes) -> None:
    """Send the end of a head, and take the answer in."""
    sock.sendall(head)
    status, headers, body = read_head(sock)
    assert status == 200
    while len(body) < int(headers["content-length"]):
        body += sock.recv(1000)


def has_ended(sock: socket.socket) -> bool:
    return sock.recv(1000) == b""


def test_a_request_that_came_while_the_loop_stood_still_is_answered(hasty: Server) -> None:
    with ExitStack() as stack:
        socks = [stack.enter_context(kept_connection(hasty)) for _ in range(SILENT)]
        worker = worker_of(hasty)
        os.kill(worker, signal.SIGSTOP)
        over = time.monotonic() + SILENCE
        until(lambda: time.monotonic() > over, "the end of the silence")
        for sock in socks:
            sock.sendall(HEAD[:-2])
        os.kill(worker, signal.SIGCONT)
        for sock in socks:
            ask(sock, b"\r\n")


def test_nobody_is_hung_up_on_within_a_head(hasty: Server) -> None:
    with connect(hasty.port) as sock, connect(hasty.port) as silent:
        sock.sendall(HEAD[:-2])
        assert has_ended(silent)  # who came later, and has said nothing
        ask(sock, b"\r\n")


def test_who_says_nothing_more_is_hung_up_on(hasty: Server) -> None:
    with kept_connection(hasty) as silent, connect(hasty.port) as slow:
        slow.sendall(HEAD[:-2])
        assert has_ended(silent)
        assert has_ended(slow)


def test_of_a_crowd_nobody_is_silent_for_long(data_dir: Path, tmp_path: Path) -> None:
    changed = sabotage(tmp_path / "changed", "chatapp.keep_alive", "CROWD = 2")
    with (
        Server(data_dir, None, GUNICORN_CMD_ARGS="--keep-alive 600", **changed) as server,
        kept_connection(server) as first,
        kept_connection(server) as second,
    ):
        with kept_connection(server) as one_too_many:
            assert has_ended(one_too_many)
        for sock in (first, second):
            ask(sock, HEAD)


def test_idle_connections_hold_up_no_worker_that_leaves(data_dir: Path) -> None:
    with Server(data_dir) as server:
        with kept_connection(server) as before, connect(server.port) as new:
            server.signal(signal.SIGTERM)
            assert has_ended(before)
            assert has_ended(new)
        assert server.wait() == 0
        # A worker that had to be killed says nothing.
        assert "Worker exiting" in server.output()
