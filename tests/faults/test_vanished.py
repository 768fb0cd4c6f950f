"""A peer that vanishes: no FIN, no RST, every packet dropped."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support import raw_http as http
from tests.support.elsewhere import Elsewhere
from tests.support.sabotage import sabotage
from tests.support.server import ROOT
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.long]

#: It says that its stream is open, and that a ping has come.
CLIENT = """
import sys
from tests.support import raw_http as http

host, port, token = sys.argv[1:]
sock = http.connect(int(port), host)
sock.settimeout(None)
sock.sendall(http.request_bytes("GET", "/api/sse", token))
status, _, heard = http.read_head(sock)
print(status, flush=True)
while b"event: ping" not in heard:
    heard += sock.recv(65536)
print("ping", flush=True)
while sock.recv(65536):
    pass
"""
#: How often Linux has sent bytes again that nobody answered, each time after twice as long, by 25 s
#: after they were sent first. Within PEER_TIMEOUT it is six times at the most.
MANY_TRIES = 7


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as place:
        yield place


@contextmanager
def vanished_peer(arena: Arena, elsewhere: Elsewhere) -> Iterator[None]:
    """Open a stream from elsewhere, and let its client vanish right after a ping.

    It is the worst moment: the next ping comes 20 s later.
    """
    ann = arena.person()
    command = [sys.executable, "-c", CLIENT, elsewhere.here, str(arena.port), ann.token]
    with subprocess.Popen(
        [*elsewhere.command(), *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        try:
            assert client.stdout.readline() == "200\n"
            assert arena.metric("chatapp_streams") == 1
            assert client.stdout.readline() == "ping\n"
            elsewhere.drop_packets()
            yield
        finally:
            client.kill()


def is_freed(arena: Arena, elsewhere: Elsewhere) -> bool:
    """Wait for the end of the stream, or for the kernel to have tried many times; return which."""

    def is_over() -> bool:
        return arena.metric("chatapp_streams") == 0

    until(lambda: is_over() or tries(arena.port, elsewhere.there) >= MANY_TRIES, "either")
    return is_over()


def tries(port: int, peer: str) -> int:
    """Return how often the kernel has sent again what this peer does not answer."""
    address = int.from_bytes(socket.inet_aton(peer), sys.byteorder)
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(row[6], 16)
        for row in rows
        if row[1].endswith(f":{port:04X}") and row[2].startswith(f"{address:08X}:")
    )


def test_a_vanished_peer_is_freed(data_dir: Path, elsewhere: Elsewhere) -> None:
    with open_arena(data_dir, BIND="0.0.0.0") as arena:
        before = arena.footprint()
        with vanished_peer(arena, elsewhere):
            began = time.monotonic()
            assert is_freed(arena, elsewhere)
            print(f"\nvanished peer: freed after {time.monotonic() - began:.1f} s")
            assert http.call(arena.port, "GET", "/healthz").status == 200
        arena.until_as_before(before)


def test_giving_up_a_peer_that_does_not_answer_matters(
    data_dir: Path, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    patient = sabotage(tmp_path / "a", "chatapp.realtime.wire", "PEER_TIMEOUT = 600_000")
    with (
        open_arena(data_dir, BIND="0.0.0.0", **patient) as arena,
        vanished_peer(arena, elsewhere),
    ):
        assert not is_freed(arena, elsewhere)
