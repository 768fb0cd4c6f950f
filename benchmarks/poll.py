"""What polling would cost: one reader asks every two seconds for what is new."""

from __future__ import annotations

import json
import random
import threading
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.load import Result, Server

PERIOD = 2.0


class Caller:
    """Calls the API with the first of the server's tokens."""

    def __init__(self, server: Server) -> None:
        assert server.tokens
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        token = server.tokens.read_text().split()[0]
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def text(self, method: str, path: str, body: str | None = None) -> str:
        """Return the answer's text."""
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse().read()
        self.connection.close()
        return answer.decode()

    def call(self, method: str, path: str, body: str | None = None) -> Any:
        """Return the answer's JSON."""
        return json.loads(self.text(method, path, body))


class Poller(threading.Thread):
    """Polls until told to stop; keeps when each message was seen first, and counts requests."""

    def __init__(self, server: Server, after: str) -> None:
        super().__init__(daemon=True)
        self.caller, self.path, self.after = Caller(server), server.page, after
        self.seen: dict[str, float] = {}
        self.requests = 0
        self.begun = self.latest = 0.0
        self.stopped = threading.Event()

    def run(self) -> None:
        self.begun = time.monotonic()
        while not self.stopped.wait(self.begun + self.requests * PERIOD - time.monotonic()):
            self.latest = time.monotonic()
            new = self.caller.call("GET", f"{self.path}&after={self.after}")
            self.requests += 1
            for message in new:
                self.seen[message["id"]] = time.monotonic()
                self.after = message["id"]


def _post_at_odd_moments(server: Server, seconds: float) -> dict[str, float]:
    """Post now and then; return when each message was sent."""
    sent, caller, draw = {}, Caller(server), random.Random(7)
    body = server.body.read_text()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        at = time.monotonic()
        sent[caller.call("POST", server.post, body)["id"]] = at
        time.sleep(draw.uniform(0.1, 0.9))
    return sent


def measure(server: Server, seconds: float) -> Result:
    """Poll for so long while somebody posts."""
    first = Caller(server).call("POST", server.post, server.body.read_text())
    poller = Poller(server, first["id"])
    poller.start()
    sent = _post_at_odd_moments(server, seconds)
    poller.stopped.wait(PERIOD * 1.5)
    poller.stopped.set()
    waits = sorted((poller.seen[name] - at) * 1000 for name, at in sent.items())
    latency = {"mean": sum(waits) / len(waits), "p50": waits[len(waits) // 2], "max": waits[-1]}
    rate = (poller.requests - 1) / (poller.latest - poller.begun)
    return {"latency_ms": latency, "requests_per_hour": rate * 3600}
