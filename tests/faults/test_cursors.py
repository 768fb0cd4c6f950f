"""Cursors that cannot be served: the client is told so, and has everything afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from chatapp.domain import log, retention
from tests.faults.conftest import Arena
from tests.support.listener import Listener
from tests.support.stream import listen
from tests.support.team import Team
from tests.support.wait import until


@pytest.mark.delivery
def test_a_reset_leaves_nothing_out(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    sender = arena.sender(ann, dm)
    sent = [sender.send() for _ in range(3)]
    reader = arena.listen(ann, dm)
    epoch, _, position = reader.cursor.partition("-")
    stale = {
        "epoch": f"zz-{position}",
        "future": f"{epoch}-{int(position) + 10**6}",
        "malformed": "../../etc/passwd",
    }
    for reason, cursor in stale.items():
        listener = Listener(arena.port, ann, dm)
        listener.cursor, listener.may_reload = cursor, True
        arena.listeners.append(listener.start())
        until(lambda listener=listener: listener.is_live, reason)  # type: ignore[misc]
        assert listener.told == {f"reset:{reason}": 1}
        assert list(listener.shown) == sent
    assert arena.verdict().is_clean


@pytest.mark.delivery
def test_who_comes_back_after_the_log_was_pruned_is_told(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    away, sender = arena.listen(ann, dm), arena.sender(ann, dm)
    sender.send()
    until(lambda: away.shown, "the premise")
    cursor = away.cursor
    away.stop()
    for _ in range(5):
        sender.send()
    with arena.app.app_context():
        assert retention.prune(timedelta(0)) > 5
    away.cursor, away.may_reload = cursor, True
    away.start()
    until(lambda: away.is_live, "a live stream")
    assert away.told == {"reset:pruned": 1}
    assert arena.verdict().is_clean


def test_asking_what_was_pruned_matters(
    team: Team, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    ann.say(dm, "pruned")
    with app.app_context():
        retention.prune(timedelta(0))
    ann.say(dm, "kept")
    with listen(bob, cursor=cursor) as stream:
        assert [event.type for event in stream.ready()] == ["reset"]
    head = log.head
    monkeypatch.setattr(log, "head", lambda: head()._replace(pruned_position=0))
    with listen(bob, cursor=cursor) as stream:
        # A gap, and nobody says so.
        assert stream.ready() == []
