"""``clientId``: a send that is repeated is one message."""

from __future__ import annotations

import gevent
import pytest

from tests.support.stream import listen
from tests.support.team import Person, Team


@pytest.fixture
def send(dm: str) -> dict[str, str]:
    return {"directMessageId": dm, "content": "Hi", "clientId": "one"}


def test_a_retry_gives_the_first_message_and_no_second_event(
    ann: Person, bob: Person, dm: str, send: dict[str, str]
) -> None:
    with listen(bob) as stream:
        stream.ready()
        first = ann.post("/api/messages", json=send)
        again = ann.post("/api/messages", json=send)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json == first.json
        ann.say(dm, "Fence")
        events = stream.until("message", content="Fence")
    assert [event.json["content"] for event in events] == ["Hi", "Fence"]
    assert len(bob.get(f"/api/messages?directMessageId={dm}").json or []) == 2


def test_the_retrys_text_is_compared_as_it_is_kept(ann: Person, send: dict[str, str]) -> None:
    decomposed = {**send, "content": "Cafe\N{COMBINING ACUTE ACCENT}\r\n"}
    assert ann.post("/api/messages", json=decomposed).status_code == 201
    composed = {**send, "content": "Caf\N{LATIN SMALL LETTER E WITH ACUTE}\n"}
    assert ann.post("/api/messages", json=composed).status_code == 200


def test_a_client_id_used_for_something_else_is_a_conflict(
    team: Team, ann: Person, bob: Person, send: dict[str, str]
) -> None:
    group = team.group(ann, bob)
    assert ann.post("/api/messages", json=send).status_code == 201
    for other in (
        {**send, "content": "Hello"},
        {"groupId": group, "content": "Hi", "clientId": "one"},
    ):
        answer = ann.post("/api/messages", json=other)
        assert answer.status_code == 409
        assert answer.mimetype == "application/problem+json"
    assert ann.get(f"/api/messages?groupId={group}").json == []


def test_client_ids_of_two_people_do_not_meet(
    ann: Person, bob: Person, send: dict[str, str]
) -> None:
    ids = {(person.post("/api/messages", json=send).json or {})["id"] for person in (ann, bob)}
    assert len(ids) == 2


def test_a_retry_after_an_edit_gives_the_edited_message(ann: Person, send: dict[str, str]) -> None:
    message = ann.post("/api/messages", json=send).json or {}
    edited = ann.patch(f"/api/messages/{message['id']}", json={"content": "Hello"}).json
    again = ann.post("/api/messages", json=send)
    assert again.status_code == 200
    assert again.json == edited


def test_a_retry_after_a_deletion_brings_nothing_back(
    ann: Person, bob: Person, dm: str, send: dict[str, str]
) -> None:
    message = ann.post("/api/messages", json=send).json or {}
    assert ann.delete(f"/api/messages/{message['id']}").status_code == 204
    again = ann.post("/api/messages", json=send)
    assert again.status_code == 200
    assert (again.json or {})["id"] == message["id"]
    assert "Hi" not in again.text
    assert bob.get(f"/api/messages?directMessageId={dm}").json == []


def test_a_retry_reaches_an_archived_group_but_not_one_that_was_left(
    team: Team, ann: Person, bob: Person
) -> None:
    group = team.group(ann, bob)
    send = {"groupId": group, "content": "Hi", "clientId": "one"}
    first = bob.post("/api/messages", json=send)
    assert first.status_code == 201
    ann.patch(f"/api/groups/{group}", json={"archived": True})
    assert bob.post("/api/messages", json=send).json == first.json
    ann.delete(f"/api/groups/{group}/members/{bob.id}")
    assert bob.post("/api/messages", json=send).status_code == 404


def test_twenty_at_once_are_one_message(ann: Person, bob: Person, send: dict[str, str]) -> None:
    posts = [gevent.spawn(ann.post, "/api/messages", json=send) for _ in range(20)]
    answers = [post.get(timeout=20) for post in posts]
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.text for answer in answers}) == 1
    listed = bob.get(f"/api/messages?directMessageId={send['directMessageId']}").json or []
    assert len(listed) == 1


@pytest.mark.parametrize("client_id", ["", " ", "a b", "x" * 101, 7, [], "\u20ac"])
def test_a_client_id_is_a_short_word(ann: Person, send: dict[str, str], client_id: object) -> None:
    assert ann.post("/api/messages", json={**send, "clientId": "x" * 100}).status_code == 201
    assert ann.post("/api/messages", json={**send, "clientId": client_id}).status_code == 400
