"""Heartbeats for every stream, and the end of those that are old enough.

One greenlet for all, a share of the streams each second: 10,000 streams cost 500 writes a
second, evenly, where a timer in each stream's greenlet would wake them all.
"""

from __future__ import annotations

import time
from itertools import count

import gevent

from chatapp.realtime import frames
from chatapp.realtime.background import Background
from chatapp.realtime.hub import Hub, farewell

#: Seconds between two pings of a stream. Clients take a stream for dead after two without.
INTERVAL = 20


class Heartbeat(Background):
    """The heart of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def beat(self, share: int) -> None:
        """Ping the ``share``-th of INTERVAL shares of all streams; end those past their time."""
        chunk = frames.chunk(frames.PING)
        now = time.monotonic()
        for subscriber in self._hub.subscribers():
            if id(subscriber) // 64 % INTERVAL == share:
                subscriber.ping(frames.PING, chunk)
                if subscriber.expires_at <= now:
                    subscriber.end(farewell("lifetime"))

    def run(self) -> None:
        """Beat once a second."""
        for second in count():
            gevent.sleep(1)
            self.beat(second % INTERVAL)
