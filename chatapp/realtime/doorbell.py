"""The doorbell: processes tell each other through Redis that the log has grown.

The log is the truth, the doorbell a hint. A lost ring costs latency (the follower looks by itself
every ``follower.POLL``), never an event. Three things make a ring that is lost a rare one:

- every confirmation of a subscription is a ring. redis-py subscribes again in silence after a cut,
  and what was published in between went nowhere;
- a subscription that has been silent is probed, through Redis and back; one that does not hear the
  probe is made anew. Some look alive and receive nothing;
- positions only grow, so a later ring makes up for an earlier one.

Signals (typing), and what processes tell each other about rate limits and about who is online,
take the same way.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import gevent
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from chatapp.realtime.background import Background
from chatapp.realtime.outbox import PAUSE, Outbox

logger = logging.getLogger(__name__)

#: Seconds of silence before a subscription is probed, and that the probe may take to come back.
SILENCE = 5.0
ECHO = 2.0
#: Seconds that Redis may take to answer anything.
TIMEOUT = 1.0
#: Bytes of a signal; a longer one is none.
MOST_BYTES = 4096

#: Told how far the log has grown; None is "nobody knows, look".
Ring = Callable[[int | None], None]
#: Takes what another process has sent about a key, such as a channel.
Handler = Callable[[str, bytes], None]


class Deaf(Exception):
    """The subscription did not hear its own probe."""


def connect(url: str) -> Redis:
    """Return a client that gives up soon and leaves it to us to try again.

    Raises:
        ValueError: ``url`` is no address of Redis.
    """
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def channel_of(client: Redis) -> str:
    """Return the Redis channel on which the processes of this address meet."""
    # Redis keeps databases apart, but not what is published in them.
    return f"chatapp:{client.connection_pool.connection_kwargs.get('db') or 0}"


class Doorbell(Background):
    """One process's bell and ear. ``handlers`` take the other processes' messages, by topic."""

    def __init__(self, client: Redis, ring: Ring, handlers: Mapping[str, Handler]) -> None:
        self._channel = channel_of(client)
        self._client = client
        self._on_ring = ring
        self._handlers = handlers
        self._me = secrets.token_hex(6)
        self._outbox = Outbox(client, self._channel)
        self._probed_at: float | None = None
        self._hears = False
        self._complained = False

    def start(self) -> None:
        """Begin to listen and to publish, if not begun already."""
        self._outbox.start()
        super().start()

    def stop(self) -> None:
        """End both."""
        super().stop()
        self._outbox.stop()

    def state(self) -> str:
        """Return ``ok``, or what is wrong: then others' events come up to 2 s late."""
        if not self._outbox.is_well:
            return "unreachable"
        return "ok" if self._hears or self._greenlet is None else "not listening"

    def ring(self, position: int) -> None:
        """Tell the other processes, soon, that the log has grown; never waits."""
        self._outbox.ring(position)

    def send(self, topic: str, key: str, body: bytes) -> None:
        """Give the other processes' handlers of ``topic`` something, if Redis is well."""
        message = b"%b %b %b\n%b" % (topic.encode(), self._me.encode(), key.encode(), body)
        if len(message) <= MOST_BYTES:
            self._outbox.send(message)

    def run(self) -> None:
        """Listen, and subscribe again whenever that ends."""
        while True:
            try:
                with closing(PubSub(self._client.connection_pool)) as subscription:
                    self._listen(subscription)
            except (RedisError, OSError, Deaf) as error:
                self._hears = False
                if not self._complained:
                    self._complained = True
                    logger.warning(
                        "the doorbell is lost: %s",
                        error,
                        extra={"event": "doorbell_lost"},
                    )
            gevent.sleep(PAUSE)

    def _listen(self, subscription: PubSub) -> None:
        subscription.subscribe(self._channel)
        self._probed_at = None
        while True:
            wait = SILENCE if self._probed_at is None else ECHO
            message = subscription.get_message(timeout=wait)
            if message is not None:
                self._probed_at = None
                self._take(message)
            elif self._probed_at is None:
                self._probed_at = time.monotonic()
                self._outbox.send(b"probe " + self._me.encode())
            elif time.monotonic() - self._probed_at >= ECHO:
                raise Deaf("the subscription hears nothing")

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._subscribed()
        elif message["type"] == "message":
            try:
                self._read(message["data"])
            except Exception:
                # Whatever somebody published there, the next message may be a good one.
                logger.exception("a message on %s could not be read", self._channel)

    def _subscribed(self) -> None:
        self._hears = True
        if self._complained:
            self._complained = False
            logger.info("the doorbell is back", extra={"event": "doorbell_back"})
        self._on_ring(None)

    def _read(self, data: bytes) -> None:
        head, _, body = data.partition(b"\n")
        topic, *words = head.decode().split(" ")
        if topic == "ring":
            self._on_ring(int(words[0]))
        elif topic in self._handlers and words[0] != self._me:
            self._handlers[topic](words[1], body)
