"""Finding people and groups, and what is done with groups, by links and forms alone."""

from __future__ import annotations

import re

import pytest

from tests.support.forms import send
from tests.support.team import Person, Team


@pytest.fixture
def ann(team: Team) -> Person:
    return team.person("ann", admin=True)


def test_a_direct_message_is_started_from_the_list_of_people(ann: Person, bob: Person) -> None:
    browser = ann.browser()
    assert f'value="{bob.id}"' in browser.get("/direct-messages/new?people=bo").text
    nobody = send(browser, "/direct-messages/new")
    assert nobody.status_code == 400
    assert "at least one other person" in nobody.text
    answer = send(browser, "/direct-messages/new", user_ids=[bob.id])
    assert answer.location.startswith("/conversations/dm_")


def test_a_list_that_ends_before_the_team_does_says_so(
    team: Team, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.people("carl", "dora")
    group, browser = team.group(ann, bob), ann.browser()
    choosing = ["/direct-messages/new", "/groups/new", f"/conversations/{group}/people/add"]
    pages = ["/people", *choosing]
    for path in pages:
        assert "are listed" not in browser.get(path).text
    # Who is in it already takes no place from those who may be added.
    monkeypatch.setattr("chatapp.web.people.MOST_LISTED", 1)
    for path in pages:
        assert "The first 1 are listed. Search finds the others." in browser.get(path).text


def test_whom_one_chose_stays_chosen_through_another_search(ann: Person, bob: Person) -> None:
    page = ann.browser().get(f"/direct-messages/new?people=nobody&user_ids={bob.id}").text
    assert re.search(rf'value="{bob.id}" checked', page)


def test_a_group_is_made_found_joined_and_left(ann: Person, bob: Person) -> None:
    made = send(ann.browser(), "/groups/new", name="Garden", topic="Tomatoes")
    group = made.location.rpartition("/")[2]
    browser = bob.browser()
    assert "Join Garden" in browser.get("/groups?people=gard").text
    assert send(browser, f"/groups/{group}/join").location == f"/conversations/{group}"
    assert browser.get(f"/conversations/{group}").status_code == 200
    assert send(browser, f"/conversations/{group}/leave").location == "/conversations"
    assert browser.get(f"/conversations/{group}").status_code == 404


def test_leaving_what_one_cannot_join_again_is_asked(team: Team, ann: Person, bob: Person) -> None:
    browser = bob.browser()
    closed, public = team.group(ann, bob), team.group(ann, bob, private=False)
    asked = {
        group: f'<a class="button" href="/conversations/{group}/leave"'
        for group in (closed, public)
    }
    assert asked[closed] in browser.get(f"/conversations/{closed}/details").text
    assert asked[public] not in browser.get(f"/conversations/{public}/details").text
    assert "one of the others has to add you" in browser.get(f"/conversations/{closed}/leave").text
    assert "You can join it again" in browser.get(f"/conversations/{public}/leave").text
    send(ann.browser(), f"/conversations/{public}/archive")
    assert asked[public] in browser.get(f"/conversations/{public}/details").text
    assert "nobody can join it" in browser.get(f"/conversations/{public}/leave").text
    send(ann.browser(), f"/conversations/{closed}/leave")
    assert "the last one in it" in browser.get(f"/conversations/{closed}/leave").text
    assert browser.get(f"/conversations/{team.dm(ann, bob)}/leave").status_code == 404


def test_a_group_without_a_name_keeps_what_was_entered(ann: Person, bob: Person) -> None:
    fields = {"name": " ", "topic": "Tomatoes", "private": "1", "user_ids": [bob.id]}
    answer = send(ann.browser(), "/groups/new", **fields)
    assert answer.status_code == 400
    assert 'id="error-name"' in answer.text
    assert 'value="Tomatoes"' in answer.text
    assert re.search(rf'value="{bob.id}" checked', answer.text)
    assert re.search(r'value="1" checked', answer.text)


def test_who_makes_a_group_searches_for_people_and_keeps_what_was_entered(
    team: Team, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    carl = team.person("carl")
    monkeypatch.setattr("chatapp.web.people.MOST_LISTED", 1)
    browser = ann.browser()
    entered = {"name": "Garden", "topic": "Tomatoes", "private": "1", "user_ids": [bob.id]}
    # By the search's own button, or by Enter in its field.
    for how in ({"people": "carl", "search": "1"}, {"people": "carl", "searched": "bob"}):
        answer = send(browser, "/groups/new", **entered, **how)
        assert answer.status_code == 200
        assert 'value="Garden"' in answer.text
        assert re.search(rf'value="{bob.id}" checked', answer.text)
        assert f'value="{carl.id}"' in answer.text
    # What is still in the field of the search does not matter to who creates it.
    for how in ({"people": "ca", "create": "1"}, {"people": "carl", "searched": "carl"}):
        assert send(browser, "/groups/new", **entered, **how).status_code == 303


def test_who_finds_nobody_is_told_why(team: Team, ann: Person) -> None:
    browser, group = ann.browser(), team.group(ann)
    for page in ("/direct-messages/new", "/groups/new"):
        assert "Nobody else is here yet." in browser.get(page).text
        assert 'href="/admin/invites">Invite people' in browser.get(page).text
        assert "Nobody is called that." in browser.get(f"{page}?people=xyz").text
    bob = team.person("bob")
    send(browser, f"/conversations/{group}/people/add", user_ids=[bob.id])
    assert "Everybody is in it already." in browser.get(f"/conversations/{group}/people/add").text


def test_who_has_nobody_to_write_to_is_led_to_inviting(team: Team, ann: Person) -> None:
    browser = ann.browser()
    assert 'href="/admin/invites">Invite people' in browser.get("/conversations").text
    ann.post("/api/direct-messages", json={"userIds": [team.person("bob").id]})
    assert 'href="/admin/invites">Invite people' not in browser.get("/conversations").text


def test_a_groups_details_change_by_forms(team: Team, ann: Person, bob: Person) -> None:
    group, carl = team.group(ann), team.person("carl")
    path, browser = f"/conversations/{group}", ann.browser()
    send(browser, f"{path}/people/add", user_ids=[bob.id, carl.id])
    send(browser, f"{path}/people/{carl.id}/remove")
    send(browser, f"{path}/details", name="New name", topic="New topic")
    page = bob.browser().get(f"{path}/details").text
    assert "New name" in page
    assert "New topic" in page
    assert "2 people" in page
    assert send(browser, f"{path}/details", name=" ").status_code == 400
    send(browser, f"{path}/archive")
    assert "archived" in browser.get(path).text
    assert send(browser, path, content="Too late").status_code == 409


def test_adding_nobody_to_a_group_is_said_where_one_chooses(
    team: Team, ann: Person, bob: Person
) -> None:
    path = f"/conversations/{team.group(ann)}/people/add"
    answer = send(ann.browser(), path)
    assert answer.status_code == 400
    assert re.search(r'id="error-user_ids">Choose somebody first', answer.text)
    assert re.search(rf'value="{bob.id}"\s+autofocus', answer.text)


def test_of_two_who_change_a_group_at_once_neither_undoes_the_others_change(
    team: Team, ann: Person
) -> None:
    group, browser = team.group(ann, name="Garden"), ann.browser()
    path = f"/conversations/{group}/details"
    opened = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', browser.get(path).text))
    ann.patch(f"/api/groups/{group}", json={"topic": "Tomatoes"})
    answer = browser.post(path, data={**opened, "name": "Allotment"})
    assert answer.status_code == 303
    changed = ann.get(f"/api/conversations/{group}").json or {}
    assert (changed["name"], changed["topic"]) == ("Allotment", "Tomatoes")


def test_a_search_finds_nothing_that_is_closed_to_the_reader(
    team: Team, ann: Person, bob: Person
) -> None:
    team.group(ann, name="Secret plans")
    assert "Nothing is called" in bob.browser().get("/conversations?q=secret").text
    assert "Secret plans" in ann.browser().get("/conversations?q=secret").text
