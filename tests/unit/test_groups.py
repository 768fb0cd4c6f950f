"""Groups: found, joined, managed, left, inherited, archived."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stream import listen, types
from tests.support.team import Person, Team


@pytest.fixture
def eve(team: Team) -> Person:
    return team.person("eve")


def add(actor: Person, group: str, *people: Person) -> int:
    body = {"userIds": [person.id for person in people]}
    return actor.post(f"/api/groups/{group}/members", json=body).status_code


def remove(actor: Person, group: str, person: Person) -> int:
    return actor.delete(f"/api/groups/{group}/members/{person.id}").status_code


def change(actor: Person, group: str, **fields: Any) -> int:
    return actor.patch(f"/api/groups/{group}", json=fields).status_code


def shown(person: Person, group: str) -> dict[str, Any]:
    answer = person.get(f"/api/conversations/{group}")
    assert answer.status_code == 200
    return dict(answer.json or {})


def found(person: Person, query: str = "") -> list[str]:
    answer = person.get("/api/groups", query_string={"q": query})
    assert answer.status_code == 200
    return [group["name"] for group in answer.json or []]


def test_a_group_is_made_with_its_owner_in_it(ann: Person, bob: Person) -> None:
    body = {"name": "  Harbour  team ", "userIds": [bob.id], "private": True, "topic": "Ships"}
    answer = ann.post("/api/groups", json=body)
    assert answer.status_code == 201
    group = answer.json or {}
    assert (group["name"], group["topic"], group["private"]) == ("Harbour team", "Ships", True)
    assert group["ownerId"] == ann.id
    assert sorted(group["memberIds"]) == sorted([ann.id, bob.id])
    assert group["channel"] == f"group:{group['id']}"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": " \u200b "},
        {"name": "x" * 81},
        {"name": 7},
        {"name": None},
        {"name": ["x"]},
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"topic": "x" * 251},
        {"private": "yes"},
        {"private": 1},
        {"userIds": "user_x"},
        {"userIds": ["user_none"]},
        {"ownerId": "user_x"},
        {"id": "group_x"},
    ],
)
def test_a_group_of_another_form_is_refused(ann: Person, fields: dict[str, Any]) -> None:
    assert ann.post("/api/groups", json={"name": "Good"}).status_code == 201
    assert ann.post("/api/groups", json={"name": "Good", **fields}).status_code == 400
    assert len(ann.get("/api/conversations").json or []) == 1


def test_a_public_group_is_found_and_joined_by_anybody(
    team: Team, ann: Person, eve: Person
) -> None:
    group = team.group(ann, name="Open Harbour", private=False)
    team.group(ann, name="Secret harbour", private=True)
    assert found(eve) == found(eve, "HARB") == ["Open Harbour"]
    assert found(eve, "secret") == []
    assert found(eve, "%") == found(eve, "_") == []
    assert add(eve, group, eve) == 200
    assert eve.id in shown(ann, group)["memberIds"]
    listed = (eve.get("/api/groups").json or [])[0]
    assert (listed["joined"], listed["memberCount"]) == (True, 2)


def test_groups_are_found_and_ordered_whatever_their_accents_and_case(
    team: Team, ann: Person, eve: Person
) -> None:
    for name in ("Zoo", "Équipe", "ärzte", "Elbe"):
        team.group(ann, name=name, private=False)
    assert found(eve, "EQUIPE") == found(eve, "ÉQUI") == ["Équipe"]
    assert found(eve) == ["ärzte", "Elbe", "Équipe", "Zoo"]


def test_who_joins_reads_what_was_said_and_has_nothing_unread(
    team: Team, ann: Person, eve: Person
) -> None:
    group = team.group(ann, private=False)
    before = ann.say(group, "Before")
    assert eve.get(f"/api/messages?groupId={group}").status_code == 404
    assert add(eve, group, eve) == 200
    assert eve.get(f"/api/messages?groupId={group}").json == [before]
    assert shown(eve, group)["unreadCount"] == 0
    ann.say(group, "After")
    assert shown(eve, group)["unreadCount"] == 1


def test_a_private_group_is_entered_by_invitation_alone(
    team: Team, ann: Person, bob: Person, eve: Person
) -> None:
    group = team.group(ann, bob, private=True)
    assert add(eve, group, eve) == 404
    assert add(bob, group, eve) == 200
    assert eve.id in shown(ann, group)["memberIds"]


def test_adding_somebody_again_tells_nobody(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann, bob)
    with listen(ann) as stream:
        stream.ready()
        assert add(ann, group, bob, ann) == 200
        ann.say(group, "fence")
        assert types(stream.until("message")) == ["message"]


def test_nobody_adds_others_to_a_group_that_they_are_not_in(
    team: Team, ann: Person, bob: Person, eve: Person
) -> None:
    group = team.group(ann, private=False)
    assert add(eve, group, bob) == 403
    assert add(eve, group, eve, bob) == 403
    assert shown(ann, group)["memberIds"] == [ann.id]


def test_only_the_owner_or_an_administrator_inside_manages(
    team: Team, ann: Person, bob: Person, eve: Person
) -> None:
    root = team.person("root", admin=True)
    group = team.group(ann, bob, eve)
    assert change(bob, group, name="Bob's") == 403
    assert remove(bob, group, eve) == 403
    assert change(root, group, name="Root's") == 404
    assert remove(root, group, eve) == 404
    assert add(ann, group, root) == 200
    assert change(root, group, name="Root's") == 200
    assert remove(root, group, eve) == 204
    assert change(ann, group, name="Ann's", topic="Hers") == 200
    assert remove(ann, group, bob) == 204
    assert shown(ann, group)["name"] == "Ann's"
    assert sorted(shown(ann, group)["memberIds"]) == sorted([ann.id, root.id])


def test_a_change_leaves_what_it_does_not_name(team: Team, ann: Person) -> None:
    group = team.group(ann, name="Name")
    assert change(ann, group, topic="Topic") == 200
    assert change(ann, group, name=None, topic=None) == 200
    assert (shown(ann, group)["name"], shown(ann, group)["topic"]) == ("Name", "Topic")
    assert change(ann, group, topic="") == 200
    assert shown(ann, group)["topic"] == ""
    assert change(ann, group, private=False) == 400
    assert change(ann, group, archived="yes") == 400


def test_a_change_of_nothing_tells_nobody(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann, bob, name="Name")
    with listen(bob) as stream:
        stream.ready()
        for fields in ({}, {"name": " Name "}, {"topic": ""}, {"archived": False}):
            assert change(ann, group, **fields) == 200
        ann.say(group, "fence")
        assert types(stream.until("message")) == ["message"]
        assert change(ann, group, name="Another") == 200
        updated = stream.next()
    assert updated.type == "conversation:updated"
    told = updated.json["conversation"]
    seen = shown(bob, group)
    assert told.items() <= seen.items()
    assert set(seen) - set(told) == {"lastMessage", "lastReadMessageId", "unreadCount"}


def test_the_longest_standing_member_inherits(
    team: Team, ann: Person, bob: Person, eve: Person
) -> None:
    group = team.group(ann)
    assert add(ann, group, bob) == 200
    assert add(ann, group, eve) == 200
    with listen(eve) as stream:
        stream.ready()
        assert remove(ann, group, ann) == 204
        assert types(stream.until("conversation:updated")) == [
            "member:left",
            "conversation:updated",
        ]
    assert shown(eve, group)["ownerId"] == bob.id
    assert change(bob, group, name="Bob's") == 200
    assert remove(eve, group, eve) == 204
    assert shown(bob, group)["ownerId"] == bob.id


def test_who_comes_into_an_empty_public_group_owns_it(team: Team, ann: Person, eve: Person) -> None:
    group = team.group(ann, private=False)
    assert remove(ann, group, ann) == 204
    assert ann.get(f"/api/conversations/{group}").status_code == 404
    assert add(eve, group, eve) == 200
    assert shown(eve, group)["ownerId"] == eve.id


def test_who_is_not_in_it_cannot_be_removed(
    team: Team, ann: Person, bob: Person, eve: Person
) -> None:
    group = team.group(ann, bob)
    assert remove(ann, group, eve) == 404
    assert remove(bob, group, bob) == 204
    assert remove(bob, group, bob) == 404
    assert remove(ann, group, bob) == 404


def test_an_archived_group_is_read_but_neither_found_nor_joined(
    team: Team, ann: Person, bob: Person, eve: Person
) -> None:
    group = team.group(ann, bob, name="Old", private=False)
    team.dm(ann, bob)
    ann.say(group, "Newer than anything in the others")
    assert found(eve) == ["Old"]
    assert change(ann, group, archived=True) == 200
    assert shown(bob, group)["archivedAt"].endswith("Z")
    assert found(eve) == []
    assert add(eve, group, eve) == 409
    assert (bob.get("/api/conversations").json or [])[-1]["id"] == group
    assert change(ann, group, archived=False) == 200
    assert shown(bob, group)["archivedAt"] is None
    assert add(eve, group, eve) == 200


def test_somebody_deactivated_cannot_be_added(team: Team, ann: Person, bob: Person) -> None:
    root = team.person("root", admin=True)
    team.deactivate(root, bob)
    group = team.group(ann)
    assert add(ann, group, bob) == 400
    assert ann.post("/api/direct-messages", json={"userIds": [bob.id]}).status_code == 400
