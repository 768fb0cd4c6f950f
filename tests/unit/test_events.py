"""What the log's reader encodes: what somebody hears, and nothing else."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from chatapp.api import events
from chatapp.domain import conversations, log
from chatapp.extensions import db
from chatapp.realtime.entry import Grant, Revoke
from tests.support.team import Team


def test_what_nobody_hears_is_not_encoded_but_takes_effect(app: Flask, team: Team) -> None:
    ann, bob, cat = team.people("ann", "bob", "cat")
    heard, unheard = team.group(ann, bob, name="Heard"), team.group(ann, bob, name="Unheard")
    joined = team.group(ann, name="Joined")
    with app.app_context():
        begin = log.head()
    for group in (heard, unheard):
        ann.say(group, "Hello")
    ann.post(f"/api/groups/{joined}/members", json={"userIds": [cat.id]})
    ann.say(joined, "Welcome")
    bob.delete(f"/api/groups/{unheard}/members/{bob.id}")
    with app.app_context():
        hears = f"group:{heard}".__eq__
        entries = events.after(begin.position, 99, begin.epoch, hears, {cat.id})
    assert [entry.position for entry in entries] == [
        begin.position + number for number in range(1, len(entries) + 1)
    ]
    encoded = {entry.channel for entry in entries if entry.frame is not None}
    assert encoded == {f"group:{heard}", f"group:{joined}"}
    # Whoever joins hears what follows in the same reading, though nobody did when it was read.
    assert b"Welcome" in b"".join(entry.frame or b"" for entry in entries)
    assert Grant(cat.id) in [entry.effect for entry in entries]
    left = [entry.effect for entry in entries if entry.channel == f"group:{unheard}"]
    assert Revoke(bob.id) in left


def test_who_came_into_a_group_is_told_if_there_is_a_stream(app: Flask, team: Team) -> None:
    ann, bob, cat = team.people("ann", "bob", "cat")
    with app.app_context():
        begin = log.head()
    team.group(ann, bob, cat)
    with app.app_context():
        entries = events.after(begin.position, 99, begin.epoch, lambda _: False, {bob.id})
    encoded = {entry.recipient: entry.frame for entry in entries}
    assert {person for person, frame in encoded.items() if frame is not None} == {bob.id}
    assert b'"members":[{"id":"' in (encoded[bob.id] or b"")
    assert {Grant(person.id) for person in (ann, bob, cat)} <= {each.effect for each in entries}


@pytest.mark.parametrize("size", [3, 12])
def test_the_people_of_a_new_group_are_read_once(app: Flask, team: Team, size: int) -> None:
    people = team.people(*(f"person{number}" for number in range(size)))
    with app.app_context():
        begin = log.head()
        asked: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    team.group(*people)
    asked.clear()
    with app.app_context():
        here = {person.id for person in people}
        entries = events.after(begin.position, 99, begin.epoch, lambda _: True, here)
    assert len([entry for entry in entries if entry.frame is not None]) == size
    assert len([sql for sql in asked if "FROM users" in sql]) == 1


def test_an_event_waits_for_a_database_that_is_away_and_for_nothing_else(
    app: Flask, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = team.people("ann", "bob")
    with app.app_context():
        begin = log.head()
    team.group(ann, bob)

    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(conversations, "view_without_people", away)
    with app.app_context():
        [entry, *_] = events.after(begin.position, 99, begin.epoch, lambda _: True, {ann.id})
        # The log can be read, so it is the event: those that follow must not wait for it.
        assert b'"reason":"unreadable"' in (entry.frame or b"")
        monkeypatch.setattr(log, "head", away)
        with pytest.raises(OperationalError):
            events.after(begin.position, 99, begin.epoch, lambda _: True, {bob.id})


def test_an_event_whose_connection_is_cut_is_read_again(
    app: Flask, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = team.people("ann", "bob")
    with app.app_context():
        begin = log.head()
    team.dm(ann, bob)
    view = conversations.view_without_people

    def cut(*_: object) -> None:
        monkeypatch.setattr(conversations, "view_without_people", view)
        error = Exception("the server closed the connection")
        raise OperationalError("SELECT", {}, error, connection_invalidated=True)

    monkeypatch.setattr(conversations, "view_without_people", cut)
    with app.app_context():
        here = {ann.id, bob.id}
        entries = events.after(begin.position, 99, begin.epoch, lambda _: True, here)
    for entry in entries:
        assert b"event: conversation:joined\n" in (entry.frame or b"")
