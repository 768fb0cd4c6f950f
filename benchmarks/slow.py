"""The row of clients that stop reading: how long everybody else waits with and without them."""

from __future__ import annotations

import json
import socket
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING

from benchmarks import load
from benchmarks.ours import ours
from benchmarks.peers.server import WORDS
from benchmarks.poll import Caller
from benchmarks.row import Line, Row, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.load import Result, Server

STREAMS, RATE = 500, 20
SLOW = 20
#: Long texts: some 2.5 KB an event, so that the buffers of a client that does not read are full
#: after 5 s.
REPEATED = 12
#: Seconds after which such a client is replaced.
PATIENCE = 12


def _open(server: Server) -> socket.socket:
    """Open a stream, and never read it."""
    assert server.tokens is not None
    token = server.tokens.read_text().split()[0]
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    head = (
        f"GET {server.stream} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    sock.sendall(head.encode())
    return sock


def _hold(server: Server, over: Event) -> None:
    """Keep so many streams that nobody reads; the oldest is given up, and another opened, in turn.

    A server that drops one cannot tell it: what it would say is behind what is not read.
    """
    held = deque(_open(server) for _ in range(SLOW))
    while not over.wait(PATIENCE / SLOW):
        held.popleft().close()
        held.append(_open(server))
    for sock in held:
        sock.close()


@contextmanager
def _slow_readers(server: Server) -> Iterator[None]:
    over = Event()
    holder = Thread(target=_hold, args=(server, over))
    holder.start()
    try:
        yield
    finally:
        over.set()
        holder.join()


def _forget(server: Server) -> None:
    """Let the server notice that the streams of the run before have gone.

    It does when it writes to them, and closing 500 takes it 150 ms, which are not to be measured.
    """
    caller, body = Caller(server), server.body.read_text()
    for _ in range(100):
        caller.call("POST", server.post, body)
        if caller.text("GET", "/metrics").partition("\nchatapp_streams ")[2].split()[0] == "0.0":
            return
        time.sleep(0.1)
    raise RuntimeError("streams that were closed are still open")


def _measure(server: Server, quick: bool) -> Result:
    """Measure without and with them in turn, so that a noise of the machine meets both."""
    group = json.loads(server.body.read_text())["groupId"]
    body = server.body.with_name("long.json")
    body.write_text(json.dumps({"content": "%m " + f"{WORDS} " * REPEATED, "groupId": group}))
    long = replace(server, body=body)
    seconds = 4 if quick else 25
    run = partial(
        load.run, "fanout", long, streams=STREAMS, rate=RATE, seconds=seconds, connections=8
    )
    without, slow = [], []
    for _ in range(1 if quick else 3):
        without.append(run())
        _forget(long)
        with _slow_readers(long):
            slow.append(run())
        _forget(long)
    both = [median(one["latency_ms"]["p99"] for one in runs) for runs in (without, slow)]
    return {
        "without_ms": both[0],
        "with_ms": both[1],
        "ratio": both[1] / both[0],
        "each_p99_ms": [one["latency_ms"]["p99"] for one in without + slow],
        "faults": sum(one["lost"] + one["doubled"] + one["dropped"] for one in without + slow),
        "others_percent": max(one.get("others_percent", 0.0) for one in without + slow),
    }


_TITLE = f"{STREAMS} streams × {RATE} msg/s of 2.5 KB"
ROW = Row(
    "slow",
    {"ours": served(ours, _measure)},
    (
        Line(f"{_TITLE}: POST to receipt p99, ms", "without_ms"),
        Line(f"the same beside {SLOW} clients that stopped reading, ms", "with_ms"),
        Line("their ratio", "ratio", 2),
        Line("beside them: lost, doubled, dropped", "faults", 0),
    ),
    repeated=False,
)
