"""What a process tells the others through Redis, published beside the requests.

Nobody waits for it: with a slow or dead Redis only the greenlet here does, and what it holds is
bounded. A position is never lost for good, since the next one says more; a signal is.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event
from redis.exceptions import RedisError

from chatapp.realtime.background import Background

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

#: Signals that may wait, and seconds after which nobody needs one any more.
MOST_SIGNALS = 500
STALE = 3.0
#: Seconds to wait after Redis could not be reached.
PAUSE = 0.5


class Outbox(Background):
    """One process's publisher, on one Redis channel so that all keeps its order."""

    def __init__(self, client: Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._position = 0
        self._signals: deque[tuple[float, bytes]] = deque(maxlen=MOST_SIGNALS)
        self._filled = Event()
        self.is_well = True

    def ring(self, position: int) -> None:
        """Let the others know that the log has grown up to ``position``."""
        self._position = max(self._position, position)
        self._filled.set()

    def send(self, message: bytes) -> None:
        """Let the others have a message that is worth nothing in a few seconds."""
        self._signals.append((time.monotonic(), message))
        self._filled.set()

    def run(self) -> None:
        """Publish what there is, in one go; what came in the meantime, in the next."""
        while True:
            self._filled.wait()
            self._filled.clear()
            try:
                self._publish()
                self.is_well = True
            except (RedisError, OSError) as error:
                if self.is_well:
                    logger.warning(
                        "cannot publish through Redis: %s", error, extra={"event": "doorbell_mute"}
                    )
                self.is_well = False
                gevent.sleep(PAUSE)
                self._filled.set()

    def _publish(self) -> None:
        position, self._position = self._position, 0
        messages = self._taken_signals()
        if position:
            messages.append(b"ring %d" % position)
        pipeline = self._client.pipeline(transaction=False)
        # With nothing to say, too: whether Redis is back shall be known. Not by a PING, which one
        # whose disk is full answers with an error, while it publishes as ever.
        for message in messages or [b""]:
            pipeline.publish(self._channel, message)
        try:
            pipeline.execute()
        except (RedisError, OSError):
            self._position = max(self._position, position)
            raise

    def _taken_signals(self) -> list[bytes]:
        """Take the signals that wait; return those that somebody still needs."""
        oldest = time.monotonic() - STALE
        waiting = [self._signals.popleft() for _ in range(len(self._signals))]
        return [message for sent_at, message in waiting if sent_at >= oldest]
