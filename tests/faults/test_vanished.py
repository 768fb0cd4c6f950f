"""A peer that vanishes: no FIN, no RST, every packet dropped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import open_arena
from tests.support import raw_http as http
from tests.support.elsewhere import Elsewhere
from tests.support.server import ROOT
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.long]

CLIENT = """
import sys
from tests.support import raw_http as http

host, port, token = sys.argv[1:]
sock = http.connect(int(port), host)
sock.sendall(http.request_bytes("GET", "/api/sse", token))
print(http.read_head(sock)[0], flush=True)
while sock.recv(65536):
    pass
"""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as place:
        yield place


def test_a_vanished_peer_is_freed(data_dir: Path, elsewhere: Elsewhere) -> None:
    with open_arena(data_dir, BIND="0.0.0.0") as arena:
        before = arena.footprint()
        ann = arena.person()
        command = [sys.executable, "-c", CLIENT, elsewhere.here, str(arena.port), ann.token]
        with subprocess.Popen(
            [*elsewhere.command(), *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "200\n"
            assert arena.metric("chatapp_streams") == 1
            elsewhere.drop_packets()
            # A ping within 20 s, which nobody answers for 9 s.
            began = time.monotonic()
            until(lambda: arena.metric("chatapp_streams") == 0, "the end of the stream", 30)
            print(f"\nvanished peer: freed after {time.monotonic() - began:.1f} s")
            assert http.call(arena.port, "GET", "/healthz").status == 200
            client.kill()
        arena.until_as_before(before)
