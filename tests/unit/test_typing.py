"""Typing: a signal that is published and never logged."""

from __future__ import annotations

import pytest
from flask import Flask

from chatapp import throttle
from tests.support.stream import listen
from tests.support.team import Person, Team


def test_the_others_see_who_types_where(team: Team, ann: Person, bob: Person) -> None:
    for conversation, field in (
        (team.dm(ann, bob), "directMessageId"),
        (team.group(ann, bob), "groupId"),
    ):
        with listen(bob) as stream:
            stream.ready()
            before = stream.last_event_id
            assert ann.post(f"/api/conversations/{conversation}/typing").status_code == 204
            signal = stream.next()
        assert signal.type == "typing"
        assert signal.json == {"type": "typing", "userId": ann.id, field: conversation}
        # No id of its own: what was seen stays what was seen.
        assert signal.last_event_id == before


def test_it_has_no_fields(team: Team, ann: Person, bob: Person) -> None:
    path = f"/api/conversations/{team.dm(ann, bob)}/typing"
    assert ann.post(path, json={}).status_code == 204
    assert ann.post(path, json={"userId": bob.id}).status_code == 400
    assert ann.post(path, data="{}", content_type="text/plain").status_code == 415


def test_it_is_in_no_replay(team: Team, ann: Person, bob: Person) -> None:
    dm = team.dm(ann, bob)
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    assert ann.post(f"/api/conversations/{dm}/typing").status_code == 204
    with listen(bob, cursor=cursor) as stream:
        assert stream.ready() == []
    assert bob.get("/api/conversations").headers["Chat-Cursor"] == cursor


def test_outsiders_neither_see_nor_send_it(team: Team, ann: Person, bob: Person) -> None:
    eve = team.person("eve")
    dm, other = team.dm(ann, bob), team.dm(ann, eve)
    with listen(eve) as outside, listen(bob) as inside:
        for stream in (outside, inside):
            stream.ready()
        assert ann.post(f"/api/conversations/{dm}/typing").status_code == 204
        assert eve.post(f"/api/conversations/{dm}/typing").status_code == 404
        ann.say(other, "fence")
        ann.say(dm, "fence")
        assert [event.type for event in outside.until("message")] == ["message"]
        assert [event.type for event in inside.until("message")] == ["typing", "message"]


def test_nobody_can_flood_a_conversation_with_it(
    app: Flask, team: Team, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/conversations/{team.dm(ann, bob)}/typing"
    monkeypatch.setattr("chatapp.throttle.time.monotonic", lambda: 0.0)  # nothing refills
    answers = {ann.post(path).status_code for _ in range(throttle.TYPING)}
    held = ann.post(path)
    assert (answers, held.status_code) == ({204}, 429)
    assert int(held.headers["Retry-After"]) > 0
    assert bob.post(path).status_code == 204
