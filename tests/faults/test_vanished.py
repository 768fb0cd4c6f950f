"""A peer that vanishes: no FIN, no RST, every packet dropped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatapp import create_app
from chatapp.realtime.heartbeat import INTERVAL
from chatapp.realtime.wire import PEER_TIMEOUT
from tests.faults.conftest import open_arena
from tests.support import raw_http as http
from tests.support import tls
from tests.support.certificates import make_certificate
from tests.support.elsewhere import Elsewhere
from tests.support.sabotage import sabotage
from tests.support.server import ROOT
from tests.support.settings import settings_for
from tests.support.tcp import connections
from tests.support.team import Team
from tests.support.tls import tls_server
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.long]

#: It says that its stream is open, and that a ping has come.
CLIENT = """
import sys
from tests.support import raw_http as http, tls

host, port, token, *trusted = sys.argv[1:]
sock = tls.connect(int(port), trusted[0], host) if trusted else http.connect(int(port), host)
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
def vanished_peer(elsewhere: Elsewhere, port: int, token: str, *trusted: Path) -> Iterator[None]:
    """Open a stream from elsewhere, and let its client vanish right after a ping.

    It is the worst moment: the next ping comes 20 s later. ``trusted`` is the server's certificate
    if it has one.
    """
    command = [sys.executable, "-c", CLIENT, elsewhere.here, str(port), token, *map(str, trusted)]
    with subprocess.Popen(
        [*elsewhere.command(), *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        try:
            assert client.stdout.readline() == "200\n"
            assert client.stdout.readline() == "ping\n"
            elsewhere.drop_packets()
            yield
        finally:
            client.kill()


def is_freed(port: int, elsewhere: Elsewhere, streams: Callable[[], float]) -> bool:
    """Wait for the end of the stream, or for the kernel to have tried many times; return which.

    It must end before the next ping, which would find out, too.
    """
    began = time.monotonic()
    assert streams() == 1
    until(lambda: not streams() or tries(port, elsewhere.there) >= MANY_TRIES, "either")
    if is_over := not streams():
        seconds = time.monotonic() - began
        print(f"\nvanished peer: freed after {seconds:.1f} s")
        assert seconds < INTERVAL + PEER_TIMEOUT / 1000 + 5
    return is_over


def tries(port: int, peer: str) -> int:
    """Return how often the kernel has sent again what this peer does not answer."""
    return sum(each.tries for each in connections(port) if each.there[0] == peer)


def test_a_vanished_peer_is_freed(data_dir: Path, elsewhere: Elsewhere) -> None:
    with open_arena(data_dir, BIND="0.0.0.0") as arena:
        before = arena.footprint()
        with vanished_peer(elsewhere, arena.port, arena.person().token):
            assert is_freed(arena.port, elsewhere, lambda: arena.metric("chatapp_streams"))
            assert http.call(arena.port, "GET", "/healthz").status == 200
        arena.until_as_before(before)


def test_a_vanished_peer_is_freed_with_tls_in_gunicorn_too(
    data_dir: Path, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    certificate = make_certificate(tmp_path)
    ann = Team(create_app(settings_for(data_dir))).person("ann")
    with (
        tls_server(data_dir, certificate, BIND="0.0.0.0") as server,
        vanished_peer(elsewhere, server.port, ann.token, certificate.path),
    ):
        assert is_freed(server.port, elsewhere, lambda: tls.streams(server.port, certificate.path))


def test_giving_up_a_peer_that_does_not_answer_matters(
    data_dir: Path, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    patient = sabotage(tmp_path / "a", "chatapp.realtime.wire", "PEER_TIMEOUT = 600_000")
    with (
        open_arena(data_dir, BIND="0.0.0.0", **patient) as arena,
        vanished_peer(elsewhere, arena.port, arena.person().token),
    ):
        assert not is_freed(arena.port, elsewhere, lambda: arena.metric("chatapp_streams"))
