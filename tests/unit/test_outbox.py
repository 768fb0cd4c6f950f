"""What a process publishes: the newest position, and signals that are still worth something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Unreachable

from chatapp.realtime import outbox as module
from chatapp.realtime.outbox import Outbox
from tests.support.wait import until


class FakeRedis:
    """A Redis that may be away; also its own pipeline."""

    def __init__(self) -> None:
        self.is_away = False
        self.tries = 0
        self.published: list[bytes] = []
        self._waiting: list[bytes] = []

    def pipeline(self, *, transaction: bool) -> FakeRedis:
        assert not transaction
        self._waiting = []
        return self

    def publish(self, channel: str, message: bytes) -> None:
        assert channel == "chatapp:0"
        self._waiting.append(message)

    def ping(self) -> None:
        self._answer()

    def execute(self) -> None:
        if self._waiting:  # redis-py asks nobody where there is nothing to say
            self._answer()
        self.published += self._waiting

    def _answer(self) -> None:
        self.tries += 1
        if self.is_away:
            raise Unreachable


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "PAUSE", 0.001)
    return clock


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def outbox(redis: FakeRedis, clock: Clock) -> Iterator[Outbox]:
    client: Any = redis
    outbox = Outbox(client, "chatapp:0")
    outbox.start()
    yield outbox
    outbox.stop()


def test_positions_that_came_together_are_one_ring(outbox: Outbox, redis: FakeRedis) -> None:
    for position in (3, 5, 4):
        outbox.ring(position)
    until(lambda: redis.published, "a ring")
    assert redis.published == [b"ring 5"]


def test_a_ring_waits_for_redis_to_be_back(outbox: Outbox, redis: FakeRedis) -> None:
    redis.is_away = True
    outbox.ring(7)
    until(lambda: redis.tries > 2, "tries")
    assert not outbox.is_well
    redis.is_away = False
    until(lambda: outbox.is_well, "Redis being back")
    assert redis.published == [b"ring 7"]


def test_a_signal_expires_while_redis_is_away(
    outbox: Outbox, redis: FakeRedis, clock: Clock
) -> None:
    redis.is_away = True
    outbox.ring(7)
    until(lambda: not outbox.is_well, "Redis being away")
    outbox.send(b"typing, long ago")
    clock.now += module.STALE + 1
    outbox.send(b"typing, just now")
    redis.is_away = False
    until(lambda: redis.published, "what is left")
    assert redis.published == [b"typing, just now", b"ring 7"]


def test_signals_that_wait_are_bounded(outbox: Outbox, redis: FakeRedis) -> None:
    for number in range(module.MOST_SIGNALS + 10):
        outbox.send(b"%d" % number)
    until(lambda: redis.published, "signals")
    assert len(redis.published) == module.MOST_SIGNALS
    assert redis.published[-1] == b"%d" % (module.MOST_SIGNALS + 9)


def test_redis_is_not_well_before_it_answers_though_nothing_is_left_to_say(
    outbox: Outbox, redis: FakeRedis, clock: Clock
) -> None:
    redis.is_away = True
    outbox.send(b"typing")
    until(lambda: not outbox.is_well, "Redis being away")
    clock.now += module.STALE + 1
    tries = redis.tries
    until(lambda: redis.tries > tries + 2 or outbox.is_well, "tries")
    assert not outbox.is_well
    redis.is_away = False
    until(lambda: outbox.is_well, "Redis being back")
    assert redis.published == [b""]
