"""The log: references without text, in the order of commits, read by who may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import inspect, select

from chatapp.domain import log, replay
from chatapp.extensions import db
from chatapp.models import Event
from tests.support.team import Person, Team


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def missed(person: Person, *named: str, after: int = 0) -> list[tuple[str, str]]:
    rows = replay.missed(person.id, "", after, log.head().position, named, 100)
    assert rows is not None
    return [(row.type, row.channel) for row in rows]


@pytest.mark.usefixtures("context")
def test_the_log_holds_references_and_never_text(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann, bob, name="Revealing name")
    message = ann.say(group, "Revealing text")
    ann.patch(f"/api/messages/{message['id']}", json={"content": "Revealing edit"})
    ann.patch(f"/api/groups/{group}", json={"topic": "Revealing topic"})
    rows = db.session.execute(select(*inspect(Event).columns)).all()
    assert len(rows) == 5
    assert "Revealing" not in repr(rows)


@pytest.mark.usefixtures("context")
def test_positions_have_no_gap_and_end_at_the_head(team: Team, ann: Person, bob: Person) -> None:
    dm = team.dm(ann, bob)
    for number in range(10):
        ann.say(dm, str(number))
        refused = ann.post("/api/messages", json={"directMessageId": "dm_none", "content": "x"})
        assert refused.status_code == 404
    positions = [row.position for row in log.after(0, 100)]
    assert positions == list(range(1, log.head().position + 1))


@pytest.mark.usefixtures("context")
def test_it_is_read_in_pieces_without_a_hole(team: Team, ann: Person, bob: Person) -> None:
    dm = team.dm(ann, bob)
    for number in range(7):
        ann.say(dm, str(number))
    whole = log.after(0, 100)
    pieces, position = [], 0
    while rows := log.after(position, 2):
        pieces += rows
        position = rows[-1].position
    assert pieces == whole


@pytest.mark.usefixtures("context")
def test_only_what_one_may_see_is_read(team: Team, ann: Person, bob: Person) -> None:
    dm, eve = team.dm(ann, bob), team.person("eve")
    message = ann.say(dm, "Hello")
    bob.post(f"/api/conversations/{dm}/read", json={"messageId": message["id"]})
    joined, created, read = (
        (type_, f"dm:{dm}") for type_ in ("conversation:joined", "message:created", "read")
    )
    assert missed(bob) == missed(bob, f"dm:{dm}") == [joined, created, read]
    assert missed(ann) == [joined, created]
    assert missed(bob, "group:group_other") == []
    assert missed(eve) == missed(eve, f"dm:{dm}") == []


@pytest.mark.usefixtures("context")
def test_sessions_and_tokens_are_named_on_no_stream(team: Team, ann: Person, bob: Person) -> None:
    root = team.person("root", admin=True)
    team.deactivate(root, bob)
    types = {row.type for row in log.after(0, 100)}
    assert {"session:revoked", "user:deactivated"} <= types
    assert missed(ann) == [("user:updated", log.TEAM)]


def test_of_all_who_find_the_log_behind_the_first_renews_its_epoch(app: Flask) -> None:
    with app.app_context():
        head = log.head()
        assert log.renew_epoch_behind(head.epoch, head.position) == head
        assert log.renew_epoch_behind("another", head.position + 1) == head
        renewed = log.renew_epoch_behind(head.epoch, head.position + 1)
        assert renewed.epoch != head.epoch
        assert renewed.position == head.position
        assert log.renew_epoch_behind(head.epoch, head.position + 1) == renewed
