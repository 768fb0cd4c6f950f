"""Posting, editing and deleting messages through the API."""

from __future__ import annotations

import re

import pytest

from tests.support.stream import contents, listen
from tests.support.team import Person, Team, reference

MAX = 8000


@pytest.fixture
def ann(team: Team) -> Person:
    return team.person("ann", display_name="Ann Other")


def test_a_posted_message_is_listed_to_everybody_in_the_conversation(
    ann: Person, bob: Person, dm: str
) -> None:
    sent = ann.say(dm, "Hello *Bob*")
    listed = bob.get(f"/api/messages?directMessageId={dm}")
    assert listed.status_code == 200
    assert listed.json == [sent]
    assert sent["html"].strip() == "<p>Hello <em>Bob</em></p>"


def test_a_message_has_the_fields_of_the_contract(ann: Person, dm: str) -> None:
    body = {"directMessageId": dm, "content": "Hi", "clientId": "one", "userId": ann.id}
    answer = ann.post("/api/messages", json=body)
    assert answer.status_code == 201
    message = answer.json or {}
    assert re.fullmatch(r"msg_[\w-]{22}", message.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message.pop("createdAt"))
    assert 0 <= message["author"].pop("hue") < 12
    assert message == {
        "content": "Hi",
        "html": "<p>Hi</p>\n",
        "userId": ann.id,
        "directMessageId": dm,
        "editedAt": None,
        "clientId": "one",
        "author": {"id": ann.id, "name": "ann", "displayName": "Ann Other", "initials": "AO"},
    }


def test_a_group_message_names_its_group(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann, bob)
    message = bob.say(group, "Hi")
    assert message["groupId"] == group
    assert "directMessageId" not in message
    assert ann.get(f"/api/messages/{message['id']}").json == message


def test_nobody_speaks_for_somebody_else(ann: Person, bob: Person, dm: str) -> None:
    body = {"directMessageId": dm, "content": "Hi", "userId": bob.id}
    answer = ann.post("/api/messages", json=body)
    assert answer.status_code == 403
    assert answer.mimetype == "application/problem+json"
    assert ann.get(f"/api/messages?directMessageId={dm}").json == []


@pytest.mark.parametrize("field", ["id", "createdAt", "role", "html", "author", "editedAt", "é"])
def test_fields_that_are_not_the_callers_are_refused(ann: Person, dm: str, field: str) -> None:
    body = {"directMessageId": dm, "content": "Hi"}
    assert ann.post("/api/messages", json=body).status_code == 201
    answer = ann.post("/api/messages", json={**body, field: "x"})
    assert answer.status_code == 400
    assert len(ann.get(f"/api/messages?directMessageId={dm}").json or []) == 1


def test_a_conversation_is_named_once(team: Team, ann: Person, bob: Person, dm: str) -> None:
    group = team.group(ann, bob)
    for named in ({}, {"directMessageId": dm, "groupId": group}, {"groupId": None}):
        assert ann.post("/api/messages", json={"content": "Hi", **named}).status_code == 400


@pytest.mark.parametrize("path", ["/api/messages", "get"])
def test_an_id_of_the_other_kind_leads_nowhere(
    team: Team, ann: Person, bob: Person, dm: str, path: str
) -> None:
    group = team.group(ann, bob)
    for named in ({"directMessageId": group}, {"groupId": dm}, {"groupId": "group_none"}):
        if path == "get":
            answer = ann.get("/api/messages", query_string=named)
        else:
            answer = ann.post(path, json={"content": "Hi", **named})
        assert answer.status_code == 404


def test_a_text_of_the_longest_length_is_taken_and_no_longer_one(ann: Person, dm: str) -> None:
    for longest in ("x" * MAX, "\N{GRINNING FACE}" * MAX):
        assert ann.say(dm, longest)["content"] == longest
    for longer in ("x" * (MAX + 1), "\N{GRINNING FACE}" * (MAX + 1), "x" * 100_000):
        answer = ann.post("/api/messages", json={"directMessageId": dm, "content": longer})
        assert answer.status_code == 400
        assert "8,000" in (answer.json or {})["detail"]


def test_the_author_edits_a_message_in_place(ann: Person, bob: Person, dm: str) -> None:
    first = ann.say(dm, "Frist")
    last = ann.say(dm, "Second")
    answer = ann.patch(f"/api/messages/{first['id']}", json={"content": "**First**"})
    assert answer.status_code == 200
    edited = answer.json or {}
    assert edited["editedAt"] is not None
    assert edited == {
        **first,
        "content": "**First**",
        "html": "<p><strong>First</strong></p>\n",
        "editedAt": edited["editedAt"],
    }
    assert bob.get(f"/api/messages?directMessageId={dm}").json == [edited, last]


def test_an_edit_that_changes_nothing_tells_nobody(ann: Person, bob: Person, dm: str) -> None:
    message = ann.say(dm, "Same")
    with listen(bob) as stream:
        stream.ready()
        answer = ann.patch(f"/api/messages/{message['id']}", json={"content": "Same"})
        assert answer.json == message
        ann.say(dm, "Next")
        assert [event.type for event in stream.until("message")] == ["message"]


def test_only_the_author_edits_or_deletes(ann: Person, bob: Person, dm: str) -> None:
    message = ann.say(dm, "Mine")
    path = f"/api/messages/{message['id']}"
    assert bob.get(path).status_code == 200
    assert bob.patch(path, json={"content": "Yours"}).status_code == 403
    assert bob.delete(path).status_code == 403
    assert ann.get(path).json == message


def test_a_removed_author_is_refused_as_if_the_message_did_not_exist(
    team: Team, ann: Person, bob: Person
) -> None:
    group = team.group(ann, bob)
    path = f"/api/messages/{bob.say(group, 'Mine')['id']}"
    assert bob.patch(path, json={"content": "Still mine"}).status_code == 200
    assert ann.delete(f"/api/groups/{group}/members/{bob.id}").status_code == 204
    refused = bob.patch(path, json={"content": "Mine for ever"})
    absent = bob.patch("/api/messages/msg_none", json={"content": "Mine for ever"})
    assert (refused.status_code, refused.mimetype) == (404, "application/problem+json")
    assert _without_id(refused.json) == _without_id(absent.json)
    assert bob.delete(path).status_code == 404
    assert (ann.get(path).json or {})["content"] == "Still mine"


def test_a_deleted_message_is_gone_everywhere(ann: Person, bob: Person, dm: str) -> None:
    kept = ann.say(dm, "Kept")
    with listen(bob) as stream:
        stream.ready()
        before = stream.last_event_id
    gone = ann.say(dm, "Secret")
    assert ann.delete(f"/api/messages/{gone['id']}").status_code == 204
    for person in (ann, bob):
        assert person.get(f"/api/messages/{gone['id']}").status_code == 404
        assert person.get(f"/api/messages?directMessageId={dm}").json == [kept]
        assert "Secret" not in person.get("/api/conversations").text
        assert "Secret" not in person.get(f"/api/conversations/{dm}").text
    for call in (ann.patch, ann.delete):
        assert call(f"/api/messages/{gone['id']}", json={"content": "Back"}).status_code == 404
    with listen(bob, last_event_id=before) as stream:
        replay = stream.ready()
    assert [event.json for event in replay] == [
        {"type": "message:deleted", "id": gone["id"], "directMessageId": dm}
    ]


def test_edited_away_text_is_in_no_replay(ann: Person, bob: Person, dm: str) -> None:
    with listen(bob) as stream:
        stream.ready()
        before = stream.last_event_id
    message = ann.say(dm, "Secret")
    ann.patch(f"/api/messages/{message['id']}", json={"content": "Public"})
    with listen(bob, last_event_id=before) as stream:
        replay = stream.ready()
    assert contents(replay) == ["Public"]
    assert [event.type for event in replay] == ["message", "message:updated"]
    assert "Secret" not in "".join(event.data for event in replay)
    assert "Secret" not in bob.get("/api/conversations").text


def test_deleted_text_is_not_left_in_the_database(
    team: Team, ann: Person, bob: Person, dm: str
) -> None:
    message = ann.say(dm, "Secret")
    retry = {"directMessageId": dm, "content": "Secret", "clientId": "one"}
    assert ann.post("/api/messages", json=retry).status_code == 201
    assert "Secret" in "\n".join(team.everything())
    for sent in [message, ann.post("/api/messages", json=retry).json or {}]:
        assert ann.delete(f"/api/messages/{sent['id']}").status_code == 204
    assert "Secret" not in "\n".join(team.everything())


def test_an_archived_group_is_read_only(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann, bob)
    message = bob.say(group, "Before")
    assert ann.patch(f"/api/groups/{group}", json={"archived": True}).status_code == 200
    body = {"groupId": group, "content": "After"}
    assert bob.post("/api/messages", json=body).status_code == 409
    assert bob.patch(f"/api/messages/{message['id']}", json={"content": "x"}).status_code == 409
    assert bob.delete(f"/api/messages/{message['id']}").status_code == 409
    assert bob.get(f"/api/messages?groupId={group}").json == [message]
    assert ann.patch(f"/api/groups/{group}", json={"archived": False}).status_code == 200
    assert bob.post("/api/messages", json=body).status_code == 201


def test_what_one_may_not_read_one_may_not_write(team: Team, ann: Person, bob: Person) -> None:
    eve = team.person("eve")
    for conversation in (team.dm(ann, bob), team.group(ann, bob)):
        body = {reference(conversation): conversation, "content": "Hi"}
        assert ann.post("/api/messages", json=body).status_code == 201
        assert eve.post("/api/messages", json=body).status_code == 404
        assert eve.get("/api/messages", query_string=body).status_code == 400
        del body["content"]
        assert eve.get("/api/messages", query_string=body).status_code == 404


def _without_id(body: dict[str, object] | None) -> dict[str, object]:
    return {name: value for name, value in (body or {}).items() if name != "requestId"}
