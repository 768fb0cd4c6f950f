"""Pruning the log: what goes, and what readers who are behind are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from flask import Flask
from gevent.event import Event as Flag

from chatapp.domain import log, retention
from chatapp.extensions import db
from chatapp.models import Event, now
from chatapp.realtime import follower
from chatapp.realtime.entry import Entry
from chatapp.realtime.follower import ReadAfter
from tests.support.stream import contents, listen, types
from tests.support.team import Team


def age(first: int, last: int, days: int) -> None:
    """Date what was logged between two positions to so many days ago."""
    events = db.session.query(Event).filter(first <= Event.position, Event.position <= last)
    events.update({"created_at": now() - timedelta(days=days)})
    db.session.commit()


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_clock_that_was_wrong_keeps_nothing_for_ever(
    team: Team, app: Flask, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(retention, "BATCH", batch)
    ann = team.person("ann")
    dm = team.dm(ann, team.person("bob"))
    for number in range(20):
        ann.say(dm, str(number))
    with app.app_context():
        last = log.head().position
        age(1, last - 10, days=8)
        age(5, last - 12, days=-400)
        assert retention.prune(timedelta(days=7)) == last - 10
        assert log.head().pruned_position == last - 10
        assert [row.position for row in log.after(0, 1)] == [last - 9]
        assert retention.prune(timedelta(days=7)) == 0


def test_a_clock_that_is_ahead_costs_nobody_what_was_just_logged(team: Team, app: Flask) -> None:
    """Of another machine; or an event comes while the pruning waits for its turn."""
    ann = team.person("ann")
    ann.say(team.dm(ann, team.person("bob")), "Not delivered yet")
    with app.app_context():
        last = log.head().position
        age(last, last, days=-1)
        assert retention.prune(timedelta(days=7)) == 0
        assert [row.position for row in log.after(last - 1, 1)] == [last]


@pytest.mark.parametrize("behind", [0.005, 1, 3600], ids=["at work", "skewed", "set back"])
def test_what_was_said_after_the_clock_was_read_is_kept(
    team: Team, app: Flask, monkeypatch: pytest.MonkeyPatch, behind: float
) -> None:
    """While the log is pruned people write; another machine's clock is ahead; ours was set back."""
    ann = team.person("ann")
    ann.say(team.dm(ann, team.person("bob")), "just now")
    monkeypatch.setattr(retention, "now", lambda: now() - timedelta(seconds=behind))
    with app.app_context():
        assert retention.prune(timedelta(days=7)) == 0
        assert log.head().pruned_position == 0


@pytest.mark.parametrize("comes_next", [True, False])
def test_who_was_brought_nothing_of_what_is_pruned_is_told(
    team: Team, app: Flask, monkeypatch: pytest.MonkeyPatch, comes_next: bool
) -> None:
    """By a clock that is a month ahead, just when people write."""
    monkeypatch.setattr(follower, "POLL", 0.01)
    ann, bob = team.people("ann", "bob")
    dm, delivery, goes_on = team.dm(ann, bob), app.extensions["chatapp"], Flag()
    read: ReadAfter = delivery.follower._read_after

    def read_late(*given: int) -> Sequence[Entry]:
        goes_on.wait()
        return read(*given)

    with listen(bob) as stream:
        stream.ready()
        ann.say(dm, "premise")
        assert contents([stream.next()]) == ["premise"]
        monkeypatch.setattr(delivery.follower, "_read_after", read_late)
        ann.say(dm, "pruned before it was read")
        with app.app_context():
            last = log.head().position
            age(1, last, days=8)
            retention.prune(timedelta(days=7))
        if comes_next:
            ann.say(dm, "next")
        goes_on.set()
        assert types(stream.rest()) == ["reconnect"]
    with listen(bob, last_event_id=stream.last_event_id) as stream:
        assert stream.next().json["reason"] == "pruned"


def test_pruning_drops_old_events_and_old_cursors_get_a_reset(team: Team, app: Flask) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    ann.say(dm, "old")
    with app.app_context():
        old = log.head()
        db.session.query(Event).update({"created_at": now() - timedelta(days=8)})
        db.session.commit()
    ann.say(dm, "new")
    with app.app_context():
        assert retention.prune(timedelta(days=7)) == old.position
        assert [row.position for row in log.after(0, 10)] == [old.position + 1]
        assert log.head().pruned_position == old.position

    def opening(cursor: int) -> str:
        stream = bob.get(f"/api/sse?channel=dm:{dm}&cursor={old.epoch}-{cursor}", buffered=False)
        assert stream.status_code == 200
        first = next(iter(stream.response))
        stream.close()
        return first.decode() if isinstance(first, bytes) else str(first)

    assert '"reason":"pruned"' in opening(old.position - 1)
    assert "event: reset" not in opening(old.position)
    assert '"content":"new"' in opening(old.position)
