"""Following the log: rings, a lost ring, a log that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import gevent
import pytest
from gevent.event import Event

from chatapp.realtime import follower as module
from chatapp.realtime.entry import Entry
from chatapp.realtime.follower import Follower
from tests.support.fake_client import settle
from tests.support.stream import PATIENCE


class Log:
    """A log in memory with a follower, which is never woken by the clock."""

    def __init__(self) -> None:
        self.entries = [Entry(position, "c", None) for position in (1, 2, 3)]
        self.delivered: list[int] = []
        self.failures = 0
        self.arrived = Event()
        self.readings = 0
        self.lags: list[float] = []
        self.follower = Follower(lambda: len(self.entries), self.after, self.take, self.lags.append)

    def after(self, position: int, limit: int) -> Sequence[Entry]:
        self.readings += 1
        # Reading may switch greenlets, as it does on PostgreSQL.
        gevent.sleep(0)
        if self.failures:
            self.failures -= 1
            raise OSError("the log cannot be read")
        return self.entries[position : position + limit]

    def take(self, entries: Sequence[Entry]) -> None:
        self.delivered += [entry.position for entry in entries]
        self.arrived.set()

    def grow(self, count: int = 1) -> None:
        for _ in range(count):
            self.entries.append(Entry(len(self.entries) + 1, "c", None))


def test_the_poll_keeps_what_is_promised_without_a_ring() -> None:
    # Redis down: others' delivery within 2-5 s; revoked, a stream is closed within 5 s. What the
    # tests of several processes wait for, they wait for as long as it takes.
    assert 0 < module.POLL <= 5


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.setattr(module, "POLL", 1000)
    monkeypatch.setattr(module, "PAUSE", 0.01)
    monkeypatch.setattr(module, "PACE", 0)
    monkeypatch.setattr(module, "BATCH", 2)
    log = Log()
    log.follower.start()
    settle()
    yield log
    log.follower.stop()


def test_it_begins_at_the_logs_end(log: Log) -> None:
    log.follower.ring()
    settle()
    assert log.readings == 1
    assert log.delivered == []


def test_a_ring_brings_all_that_is_new_in_order_and_once(log: Log) -> None:
    log.grow(5)
    log.follower.ring()
    log.follower.ring()
    settle()
    assert log.delivered == [4, 5, 6, 7, 8]
    log.grow()
    log.follower.ring()
    settle()
    assert log.delivered == [4, 5, 6, 7, 8, 9]
    assert log.follower.position == 9


def test_what_comes_soon_after_a_reading_is_read_together(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PACE", 0.01)
    monkeypatch.setattr(module, "BATCH", 200)
    log.grow()
    log.follower.ring()
    settle()
    assert (log.delivered, log.readings) == ([4], 1)
    log.arrived.clear()
    for _ in range(3):
        log.grow()
        log.follower.ring()
        settle()
    assert log.arrived.wait(PATIENCE)
    assert (log.delivered, log.readings) == ([4, 5, 6, 7], 2)


def test_the_next_ring_makes_up_for_a_lost_one(log: Log) -> None:
    log.grow()
    settle()
    assert log.delivered == []
    log.grow()
    log.follower.ring()
    settle()
    assert log.delivered == [4, 5]


def test_without_a_ring_the_poll_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", 0.01)
    log = Log()
    log.follower.start()
    log.grow()
    assert log.arrived.wait(PATIENCE)
    log.follower.stop()
    assert log.delivered == [4]


def test_a_log_that_cannot_be_read_costs_nothing_but_time(log: Log) -> None:
    log.failures = 1
    log.grow()
    log.follower.ring()
    settle()
    was_well = log.follower.is_well
    assert log.arrived.wait(PATIENCE)
    settle()
    assert (was_well, log.follower.is_well) == (False, True)
    assert log.delivered == [4]


def test_starting_twice_delivers_once(log: Log) -> None:
    log.follower.start()
    log.grow()
    log.follower.ring()
    settle()
    assert log.delivered == [4]


def test_once_stopped_it_delivers_no_more(log: Log) -> None:
    log.follower.stop()
    log.grow()
    log.follower.ring()
    settle()
    assert log.delivered == []
