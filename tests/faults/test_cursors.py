"""Cursors that cannot be served: the client is told so, and has everything afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import gevent
import pytest
from flask import Flask

from chatapp.domain import log, retention
from tests.faults.conftest import Arena, open_arena
from tests.support.listener import Listener
from tests.support.oracle import Verdict
from tests.support.sabotage import sabotage
from tests.support.stream import listen
from tests.support.team import Team
from tests.support.wait import until

#: Messages that a reader who comes has not been shown.
MISSED = 3


def come_with_stale_cursors(arena: Arena) -> dict[str, Listener]:
    """Let readers who show nothing yet come with cursors that cannot be served.

    Return each, once it is live, by the reason why it can not.
    """
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    sender = arena.sender(ann, dm)
    for _ in range(MISSED):
        sender.send()
    epoch, _, position = arena.listen(ann, dm).cursor.partition("-")
    stale = {
        "epoch": f"zz-{position}",
        "future": f"{epoch}-{int(position) + 10**6}",
        "malformed": "../../etc/passwd",
    }
    readers = {}
    for reason, cursor in stale.items():
        listener = Listener(arena.port, ann, dm)
        listener.cursor, listener.may_reload = cursor, True
        arena.listeners.append(listener.start())
        until(lambda listener=listener: listener.is_live, reason)  # type: ignore[misc]
        readers[reason] = listener
    return readers


@pytest.mark.delivery
def test_a_reset_leaves_nothing_out(arena: Arena) -> None:
    readers = come_with_stale_cursors(arena)
    sent = list(arena.senders[0].acknowledged.values())
    for reason, reader in readers.items():
        assert reader.told == {f"reset:{reason}": 1}
        assert list(reader.shown) == sent
    assert arena.verdict().is_clean


@pytest.mark.delivery
@pytest.mark.long
@pytest.mark.parametrize(
    ("reason", "blind"),
    [
        ("epoch", 'head._replace(epoch=last_seen.partition("-")[0])'),
        ("future", "head._replace(position=10**9)"),
    ],
    ids=["epoch", "future"],
)
def test_telling_a_reset_matters(data_dir: Path, tmp_path: Path, reason: str, blind: str) -> None:
    code = f"start = _start; _start = lambda last_seen, head: start(last_seen, {blind})"
    with open_arena(data_dir, **sabotage(tmp_path / "a", "chatapp.api.streams", code)) as arena:
        readers = come_with_stale_cursors(arena)
        verdict = arena.verdict()
        # It hears what comes next, and nobody ever tells it of what it has not.
        assert [name for name, reader in readers.items() if not reader.told] == [reason]
        assert verdict == Verdict(verdict.acknowledged, lost=MISSED)


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


@pytest.mark.delivery
def test_pruning_all_the_time_takes_nothing_from_anybody(arena: Arena) -> None:
    """As `flask prune-log` does, beside the server, while people write and come back."""
    arena.storm(people=5, senders=3)
    pruning = gevent.spawn(prune_all_the_time, arena.app)
    for listener in arena.listeners:
        arena.until_acknowledged(20)
        listener.cut()
    pruning.kill()
    verdict = arena.verdict()
    assert verdict.is_clean, verdict


def prune_all_the_time(app: Flask) -> None:
    with app.app_context():
        while True:
            retention.prune(timedelta(days=1))
            gevent.sleep(0.001)


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
