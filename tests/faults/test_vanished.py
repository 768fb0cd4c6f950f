"""A peer that vanishes: no FIN, no RST, every packet dropped."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.conftest import open_arena
from tests.support import raw_http as http
from tests.support.server import ROOT
from tests.support.strace import require
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.long]

HERE, THERE = "10.213.47.1", "10.213.47.2"
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


class Elsewhere(NamedTuple):
    """Another network, joined to ours by one cable."""

    name: str

    def run(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def cut_the_cable(self) -> None:
        ip(*self.run("ip", "link", "set", "there", "down")[1:])


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    require("ip")
    place = Elsewhere(f"chat-{secrets.token_hex(3)}")
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    try:
        ip("netns", "add", place.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the kernel allows no network namespace: {error.stderr.decode().strip()}")
    try:
        here = f"c{secrets.token_hex(3)}"
        ip("link", "add", here, "type", "veth", "peer", "name", "there", "netns", place.name)
        ip("addr", "add", f"{HERE}/30", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", place.name, "addr", "add", f"{THERE}/30", "dev", "there")
        ip("-n", place.name, "link", "set", "there", "up")
        yield place
    finally:
        ip("netns", "del", place.name)


def test_a_vanished_peer_is_freed(data_dir: Path, elsewhere: Elsewhere) -> None:
    with open_arena(data_dir, BIND="0.0.0.0") as arena:
        before = arena.footprint()
        ann = arena.person()
        command = [sys.executable, "-c", CLIENT, HERE, str(arena.port), ann.token]
        with subprocess.Popen(
            elsewhere.run(*command), cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "200\n"
            assert arena.metric("chatapp_streams") == 1
            elsewhere.cut_the_cable()
            # A ping within 20 s, which nobody answers for 9 s.
            began = time.monotonic()
            until(lambda: arena.metric("chatapp_streams") == 0, "the end of the stream", 60)
            print(f"\nvanished peer: freed after {time.monotonic() - began:.1f} s")
            assert http.call(arena.port, "GET", "/healthz").status == 200
            client.kill()
        arena.until_as_before(before)
