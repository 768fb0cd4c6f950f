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
from chatapp.realtime.subscriber import Subscriber

#: Seconds between two pings of a stream. Clients take a stream for dead after two without.
INTERVAL = 20
#: Beats from a ping to a look at whether it was answered: the kernel has given its peer up by then
#: (:data:`chatapp.realtime.wire.PEER_TIMEOUT`). Without it only the next ping would find out, and
#: who vanished right after one would be kept for 40 s; so it is 29.
PATIENCE = 9


class Heartbeat(Background):
    """The heart of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: The beat, of INTERVAL, at which each stream is pinged.
        self._shares: dict[Subscriber, int] = {}

    def beat(self, share: int) -> None:
        """Ping the streams whose beat it is, and end those past their time.

        A stream's beat is the one after it was first seen to wait for something to say, so its
        first ping comes soon, and by itself, a beat at least after what it began with: that tells
        a client that no proxy holds its stream back. Until then it is looked at in each beat. Who
        is being written to just then is pinged a beat later; who has hung up is let go, and so is
        who vanished, PATIENCE beats later.
        """
        everybody, known, later = self._hub.subscribers(), self._shares, (share + 1) % INTERVAL
        self._shares = shares = {
            each: known.get(each, later) for each in everybody if each in known or each.is_parked
        }
        self._ping([each for each in everybody if shares.get(each, share) == share], later)
        pinged = (share - PATIENCE) % INTERVAL
        for subscriber in [each for each, beat in shares.items() if beat == pinged]:
            _end_if_gone(subscriber)

    def _ping(self, subscribers: list[Subscriber], later: int) -> None:
        """Ping those who have a beat, at ``later`` if it cannot be now; end whoever is to go."""
        chunk = frames.chunk(frames.PING)
        now = time.monotonic()
        for subscriber in subscribers:
            # The kernel takes a first write all the same, and only the next ping would fail.
            _end_if_gone(subscriber)
            if subscriber in self._shares and not subscriber.ping(frames.PING, chunk):
                self._shares[subscriber] = later
            if subscriber.expires_at <= now:
                subscriber.end(farewell("lifetime"))

    def run(self) -> None:
        """Beat once a second."""
        for second in count():
            gevent.sleep(1)
            self.beat(second % INTERVAL)


def _end_if_gone(subscriber: Subscriber) -> None:
    if subscriber.wire is not None and subscriber.wire.is_gone():
        subscriber.end()
