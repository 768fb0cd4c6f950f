"""Listening to the other processes, on a subscription that breaks, or only looks alive."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from gevent.queue import Empty, Queue
from redis import Redis
from redis.exceptions import ConnectionError as Unreachable

from chatapp.realtime import doorbell as module
from chatapp.realtime.doorbell import Doorbell
from tests.support.fake_client import settle
from tests.support.wait import until


class Subscription:
    """In the place of redis-py's: hands out what is put into it, and raises what is an error."""

    made: list[Subscription]

    def __init__(self, _pool: object) -> None:
        self._messages: Queue[Any] = Queue()
        self.is_closed = False
        self.made.append(self)

    def subscribe(self, channel: str) -> None:
        assert channel == "chatapp:0"
        self.hear("subscribe", 1)

    def hear(self, type_: str, data: object) -> None:
        self._messages.put({"type": type_, "data": data})

    def fail(self) -> None:
        self._messages.put(Unreachable("cut"))

    def get_message(self, timeout: float) -> Any:
        try:
            message = self._messages.get(timeout=timeout)
        except Empty:
            return None
        if isinstance(message, Exception):
            raise message
        return message

    def close(self) -> None:
        self.is_closed = True


class Ear:
    """A doorbell that listens, and what came of it."""

    def __init__(self) -> None:
        self.rings: list[int | None] = []
        self.signals: list[tuple[str, bytes]] = []
        self.doorbell = Doorbell(Redis(), self.rings.append, {"signal": self._signal})
        self.doorbell._outbox = self.outbox = Mock(is_well=True)

    def _signal(self, channel: str, frame: bytes) -> None:
        self.signals.append((channel, frame))


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    Subscription.made = []
    monkeypatch.setattr(module, "PubSub", Subscription)
    monkeypatch.setattr(module, "PAUSE", 0.001)
    ear = Ear()
    assert ear.doorbell.state() == "ok"  # nobody listens yet, and nobody is to
    ear.doorbell.start()
    assert ear.doorbell.state() == "not listening"
    until(lambda: ear.rings, "the subscription")
    yield ear
    ear.doorbell.stop()


def test_what_it_is_to_say_its_outbox_says_until_both_stop(ear: Ear) -> None:
    ear.outbox.start.assert_called_once_with()
    ear.doorbell.ring(5)
    ear.outbox.ring.assert_called_once_with(5)
    ear.doorbell.stop()
    ear.outbox.stop.assert_called_once_with()
    assert Subscription.made[-1].is_closed


def test_it_rings_for_what_others_have_committed_and_hands_on_their_signals(ear: Ear) -> None:
    (subscription,) = Subscription.made
    subscription.hear("message", b"ring 7")
    subscription.hear("message", b"signal somebody dm:dm_1\nevent: typing\ndata: {}\n\n")
    subscription.hear("message", b"signal %b dm:dm_1\nmine" % ear.doorbell._me.encode())
    settle()
    assert ear.rings == [None, 7]
    assert ear.signals == [("dm:dm_1", b"event: typing\ndata: {}\n\n")]
    assert ear.doorbell.state() == "ok"
    ear.outbox.is_well = False
    assert ear.doorbell.state() == "unreachable"


def test_what_makes_no_sense_is_logged_and_the_next_is_heard(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    (subscription,) = Subscription.made
    for nonsense in (b"", b"ring", b"ring x", b"\xff", b"unknown", b"signal"):
        subscription.hear("message", nonsense)
    subscription.hear("pmessage", b"ring 6")
    subscription.hear("message", b"ring 7")
    settle()
    assert ear.rings == [None, 7]
    assert {record.getMessage() for record in caplog.records} == {
        "a message on chatapp:0 could not be read"
    }


def test_what_breaks_is_made_anew_and_each_subscription_is_a_ring(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number in (1, 2):
        Subscription.made[-1].fail()
        until(lambda: len(ear.rings) > number, "another subscription")  # noqa: B023
    Subscription.made[-1].hear("subscribe", 1)  # redis-py's own, after a cut that it mended
    settle()
    assert ear.rings == [None] * 4
    assert [each.is_closed for each in Subscription.made] == [True, True, False]
    told = [vars(record).get("event") for record in caplog.records]
    assert told == ["doorbell_lost", "doorbell_back"] * 2


def test_one_that_hears_nothing_of_its_own_probe_is_made_anew(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.001)
    monkeypatch.setattr(module, "ECHO", 0.001)
    Subscription.made[-1].hear("message", b"ring 1")  # it waits for less from here on
    until(lambda: len(Subscription.made) > 1, "another subscription")
    ear.outbox.send.assert_called_with(b"probe " + ear.doorbell._me.encode())
    assert Subscription.made[0].is_closed


def test_one_that_hears_its_probe_stays(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.001)
    echo = Subscription.made[-1].hear
    ear.outbox.send.side_effect = lambda probe: echo("message", probe)
    echo("message", b"ring 1")
    until(lambda: ear.outbox.send.call_count > 3, "some probes")
    assert len(Subscription.made) == 1
