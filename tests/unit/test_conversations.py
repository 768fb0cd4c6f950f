"""The list of conversations, direct messages, and how far one has read."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from chatapp.domain import conversations, direct_messages, log
from tests.support.stream import listen, types
from tests.support.team import Person, Team


def listed(person: Person) -> list[dict[str, Any]]:
    answer = person.get("/api/conversations")
    assert answer.status_code == 200
    return list(answer.json or [])


def one(person: Person, conversation_id: str) -> dict[str, Any]:
    answer = person.get(f"/api/conversations/{conversation_id}")
    assert answer.status_code == 200
    return dict(answer.json or {})


def read(person: Person, conversation_id: str, message_id: str) -> int:
    path = f"/api/conversations/{conversation_id}/read"
    return person.post(path, json={"messageId": message_id}).status_code


def test_a_conversation_has_the_fields_of_the_contract(ann: Person, bob: Person, dm: str) -> None:
    last = ann.say(dm, "Hello")
    shown = one(bob, dm)
    assert [member["id"] for member in shown["members"]] == shown["memberIds"]
    assert sorted(shown.pop("memberIds")) == sorted([ann.id, bob.id])
    assert {member["name"] for member in shown.pop("members")} == {"ann", "bob"}
    assert shown.pop("createdAt").endswith("Z")
    assert shown == {
        "id": dm,
        "type": "dm",
        "channel": f"dm:{dm}",
        "name": None,
        "topic": "",
        "private": True,
        "ownerId": None,
        "archivedAt": None,
        "lastMessage": last,
        "lastReadMessageId": None,
        "unreadCount": 1,
    }


def test_the_newest_activity_comes_first(team: Team, ann: Person, bob: Person, dm: str) -> None:
    group, other = team.group(ann, bob), team.group(bob, ann)
    for conversation in (other, dm, group):
        bob.say(conversation, "Hi")
        assert listed(ann)[0]["id"] == conversation
    assert [entry["id"] for entry in listed(ann)] == [group, dm, other]


def test_what_one_has_just_come_into_comes_first(
    team: Team, ann: Person, bob: Person, dm: str
) -> None:
    older = team.group(bob)
    for conversation in (older, dm):
        bob.say(conversation, "Hi")
    fresh = team.group(bob, ann)
    assert [entry["id"] for entry in listed(ann)] == [fresh, dm]
    bob.post(f"/api/groups/{older}/members", json={"userIds": [ann.id]})
    assert [entry["id"] for entry in listed(ann)] == [older, fresh, dm]


def test_only_ones_own_are_listed(team: Team, ann: Person, bob: Person, dm: str) -> None:
    eve = team.person("eve")
    team.group(ann, bob, name="Secret plan")
    assert len(listed(ann)) == 2
    answer = eve.get("/api/conversations")
    assert answer.json == []
    for path in ("/api/conversations", "/api/groups", "/api/users", "/api/groups?q=secret"):
        assert "Secret plan" not in eve.get(path).text
    assert "Secret plan" in ann.get("/api/conversations").text


def test_the_same_people_have_one_direct_message(team: Team, ann: Person, bob: Person) -> None:
    first = ann.post("/api/direct-messages", json={"userIds": [bob.id]})
    assert first.status_code == 201
    for person, ids in ((ann, [bob.id]), (bob, [ann.id]), (bob, [ann.id, bob.id, ann.id])):
        again = person.post("/api/direct-messages", json={"userIds": ids})
        assert again.status_code == 200
        assert (again.json or {})["id"] == (first.json or {})["id"]
    cat = team.person("cat")
    three = ann.post("/api/direct-messages", json={"userIds": [bob.id, cat.id]})
    assert three.status_code == 201
    assert len((three.json or {})["memberIds"]) == 3


def test_both_hear_of_a_new_direct_message_once(ann: Person, bob: Person) -> None:
    with listen(ann) as first, listen(bob) as second:
        for stream in (first, second):
            stream.ready()
        dm = (ann.post("/api/direct-messages", json={"userIds": [bob.id]}).json or {})["id"]
        ann.post("/api/direct-messages", json={"userIds": [bob.id]})
        ann.say(dm, "Hello")
        for stream in (first, second):
            assert types(stream.until("message")) == ["conversation:joined", "message"]


@pytest.mark.parametrize(
    "ids", [[], ["user_none"], "user_x", None, [None], [["user_x"]], [1], ["user x"], ["\x00"]]
)
def test_a_direct_message_needs_somebody_who_exists(ann: Person, bob: Person, ids: Any) -> None:
    assert ann.post("/api/direct-messages", json={"userIds": ids}).status_code == 400
    assert ann.post("/api/direct-messages", json={"userIds": [ann.id]}).status_code == 400
    assert listed(ann) == []
    assert ann.post("/api/direct-messages", json={"userIds": [bob.id]}).status_code == 201


def test_a_direct_message_is_for_a_few(team: Team, ann: Person) -> None:
    most = direct_messages.MOST_PEOPLE
    others = [person.id for person in team.people(*(f"p{number}" for number in range(most)))]
    too_many = ann.post("/api/direct-messages", json={"userIds": others})
    assert too_many.status_code == 400
    enough = ann.post("/api/direct-messages", json={"userIds": others[:-1]})
    assert enough.status_code == 201


def test_nobody_leaves_or_joins_a_direct_message(
    team: Team, ann: Person, bob: Person, dm: str
) -> None:
    cat = team.person("cat")
    path = f"/api/groups/{dm}"
    assert ann.post(f"{path}/members", json={"userIds": [cat.id]}).status_code == 404
    assert ann.delete(f"{path}/members/{ann.id}").status_code == 404
    assert ann.patch(path, json={"name": "Us"}).status_code == 404


def test_unread_are_others_messages_behind_the_cursor(ann: Person, bob: Person, dm: str) -> None:
    first, second = ann.say(dm, "One"), ann.say(dm, "Two")
    bob.say(dm, "Mine")
    third = ann.say(dm, "Three")
    assert one(bob, dm)["unreadCount"] == 3
    assert read(bob, dm, first["id"]) == 204
    assert one(bob, dm)["unreadCount"] == 2
    assert one(bob, dm)["lastReadMessageId"] == first["id"]
    assert one(ann, dm)["unreadCount"] == 1
    assert ann.delete(f"/api/messages/{second['id']}").status_code == 204
    assert one(bob, dm)["unreadCount"] == 1
    assert read(bob, dm, third["id"]) == 204
    assert one(bob, dm)["unreadCount"] == listed(bob)[0]["unreadCount"] == 0


def test_the_read_cursor_never_goes_back(ann: Person, bob: Person, dm: str) -> None:
    first, second = ann.say(dm, "One"), ann.say(dm, "Two")
    assert read(bob, dm, second["id"]) == 204
    with listen(bob) as stream:
        stream.ready()
        assert read(bob, dm, first["id"]) == 204
        assert read(bob, dm, second["id"]) == 204
        ann.say(dm, "Fence")
        assert types(stream.until("message")) == ["message"]
    assert one(bob, dm)["lastReadMessageId"] == second["id"]


def test_each_reads_for_oneself(ann: Person, bob: Person, dm: str) -> None:
    bob.say(dm, "To Ann")
    message = ann.say(dm, "To Bob")
    assert read(bob, dm, message["id"]) == 204
    assert one(ann, dm)["unreadCount"] == 1
    assert one(ann, dm)["lastReadMessageId"] is None


def test_reading_tells_how_many_are_left(ann: Person, bob: Person, dm: str) -> None:
    first = ann.say(dm, "One")
    ann.say(dm, "Two")
    with listen(bob) as stream:
        stream.ready()
        read(bob, dm, first["id"])
        assert stream.next().json == {
            "type": "read",
            "userId": bob.id,
            "directMessageId": dm,
            "messageId": first["id"],
            "unreadCount": 1,
        }


def test_what_one_cannot_see_one_cannot_read(team: Team, ann: Person, bob: Person, dm: str) -> None:
    eve = team.person("eve")
    own = team.dm(eve, ann)
    elsewhere, here = ann.say(own, "Eve alone"), ann.say(dm, "Bob alone")
    assert read(bob, dm, here["id"]) == 204
    assert read(eve, dm, here["id"]) == 404
    assert read(eve, own, here["id"]) == 404
    assert read(bob, dm, elsewhere["id"]) == 404
    assert read(bob, dm, "msg_none") == 404


def test_a_deleted_message_can_be_read_up_to(ann: Person, bob: Person, dm: str) -> None:
    ann.say(dm, "One")
    gone = ann.say(dm, "Two")
    ann.delete(f"/api/messages/{gone['id']}")
    assert read(bob, dm, gone["id"]) == 204
    assert one(bob, dm)["unreadCount"] == 0


@pytest.mark.parametrize("body", [{}, {"messageId": None}, {"messageId": 1}, {"messageId": []}])
def test_reading_names_a_message(bob: Person, dm: str, body: dict[str, Any]) -> None:
    assert bob.post(f"/api/conversations/{dm}/read", json=body).status_code == 400


def test_people_are_found_by_a_part_of_the_name(team: Team, ann: Person) -> None:
    team.person("zoe", display_name="Zoë Sofía")
    for part in ("sofia", "ZOE", "zoë"):
        found = ann.get("/api/users", query_string={"q": part}).json or []
        assert [user["name"] for user in found] == ["zoe"]
    assert ann.get("/api/users?q=nobody").json == []
    me = ann.get("/api/me").json or {}
    assert me["id"] == ann.id
    assert me.keys() == {"id", "name", "displayName", "initials", "hue", "isAdmin", "isActive"}


def test_the_list_counts_what_is_unread_as_of_its_cursor(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    team.post(ann, dm, "one")
    with app.app_context():
        head = log.head()
    team.post(ann, dm, "two")  # while the list is being read, so to say
    with app.app_context():
        [view] = conversations.overview(bob.identity, head.position)
    assert view.unread_count == 1
    assert view.last_message is not None
    assert view.last_message.content == "two"
