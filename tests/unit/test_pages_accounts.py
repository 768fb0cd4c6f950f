"""Ways in, the profile and the administration, by forms alone."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatapp.domain import accounts, setup
from tests.support.team import Person, Team

PASSWORD = "four plain words here"


def send(client: FlaskClient, path: str, page: str, **fields: object) -> TestResponse:
    """Send a form with the token that is on ``page``."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found is not None
    return client.post(path, data={"csrf_token": found[1], **fields})


def link(page: str) -> str:
    """Return the path of the link that a page shows once."""
    found = re.search(r'value="http://localhost(/[^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.fixture
def ann(team: Team) -> Person:
    return team.person("ann", admin=True)


def test_the_set_up_makes_an_administrator_and_then_is_gone(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        secret = setup.ensure_setup_token()
    path = f"/set-up/{secret}"
    fields = {"name": "ann", "display_name": "Ann", "password": "short"}
    refused = send(client, path, path, **fields)
    assert refused.status_code == 400
    assert 'id="error-password"' in refused.text
    assert 'value="Ann"' in refused.text
    answer = send(client, path, path, **{**fields, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/conversations")
    assert client.get("/admin/people").status_code == 200
    assert client.get(path).status_code == 404


def test_a_new_chat_says_where_its_first_account_is_made(team: Team, client: FlaskClient) -> None:
    assert "This chat is new" in client.get("/sign-in").text
    team.person("ann", admin=True)
    assert "This chat is new" not in client.get("/sign-in").text


def test_an_invite_is_made_used_once_and_then_gone(app: Flask, ann: Person) -> None:
    browser = ann.browser()
    page = send(browser, "/admin/invites", "/admin/invites", label="For Bob", uses="1", days="7")
    path = link(page.text)
    newcomer = app.test_client()
    fields = {"name": "bob", "display_name": "Bob", "password": PASSWORD}
    assert send(newcomer, path, path, **fields).location == "/conversations"
    assert newcomer.get("/profile").status_code == 200
    assert app.test_client().get(path).status_code == 410


def test_a_revoked_invite_is_gone(app: Flask, ann: Person) -> None:
    browser = ann.browser()
    page = send(browser, "/admin/invites", "/admin/invites", uses="", days="").text
    revoke = re.search(r'action="(/admin/invites/[^"]+/revoke)"', page)
    assert revoke is not None
    send(browser, revoke[1], "/admin/invites")
    assert app.test_client().get(link(page)).status_code == 410


def test_signing_in_leads_on_to_the_page_that_was_asked_for(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        accounts.create("ann", "Ann", PASSWORD)
    page = "/sign-in?next=/people"
    wrong = send(client, page, page, name="ann", password="wrong")
    assert wrong.status_code == 400
    assert 'value="ann"' in wrong.text
    assert "do not belong together" in wrong.text
    assert send(client, page, page, name="ann", password=PASSWORD).location == "/people"
    assert client.get("/sign-in").location == "/conversations"
    assert send(client, "/sign-out", "/profile").location == "/sign-in"
    assert client.get("/people").status_code == 303


def test_signing_in_never_leads_to_another_site(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        accounts.create("ann", "Ann", PASSWORD)
    page = "/sign-in?next=//evil.example/"
    assert send(client, page, page, name="ann", password=PASSWORD).location == "/conversations"


def test_the_profile_changes_the_name(ann: Person) -> None:
    browser = ann.browser()
    refused = send(browser, "/profile", "/profile", display_name=" ")
    assert refused.status_code == 400
    assert 'id="error-display_name"' in refused.text
    send(browser, "/profile", "/profile", display_name="Ann Other")
    assert 'value="Ann Other"' in browser.get("/profile").text


def test_what_was_done_is_said_in_a_box_of_its_own(ann: Person) -> None:
    browser = ann.browser()
    send(browser, "/profile", "/profile", display_name="Ann Other")
    # No class of another thing: those of messages have room for an avatar.
    assert '<p class="flash" dir="auto">Your name is changed.</p>' in browser.get("/profile").text


def test_a_wrong_present_password_is_said_at_its_field(ann: Person) -> None:
    fields = {"old_password": "wrong", "password": PASSWORD}
    answer = send(ann.browser(), "/profile/password", "/profile", **fields)
    assert answer.status_code == 400
    assert 'id="error-old_password"' in answer.text


def test_signing_out_everywhere_ends_every_browser(ann: Person) -> None:
    here, there = ann.browser(), ann.browser()
    send(here, "/profile/sessions/revoke", "/profile")
    assert there.get("/profile").status_code == 303


def test_one_other_browser_is_signed_out(ann: Person) -> None:
    here, there = ann.browser(), ann.browser()
    revoke = re.search(r'action="(/profile/sessions/[^"]+/revoke)"', here.get("/profile").text)
    assert revoke is not None
    send(here, revoke[1], "/profile")
    assert here.get("/profile").status_code == 200
    assert there.get("/profile").status_code == 303


def test_an_administrator_sees_to_people(team: Team, ann: Person) -> None:
    bob, browser = team.person("bob"), ann.browser()
    bobs = bob.browser()
    for verb, status in (("promote", 200), ("demote", 403), ("deactivate", 303)):
        send(browser, f"/admin/people/{bob.id}/{verb}", "/admin/people")
        assert bobs.get("/admin/people").status_code == status, verb
    assert "deactivated" in browser.get("/admin/people").text
    send(browser, f"/admin/people/{bob.id}/reactivate", "/admin/people")
    assert bob.browser().get("/people").status_code == 200


def test_a_change_leads_back_to_the_person_among_those_searched_for(
    team: Team, ann: Person
) -> None:
    bob, browser = team.person("bob"), ann.browser()
    page = browser.get("/admin/people?people=bo").text
    promote = re.search(r'action="(/admin/people/[^"]+/promote[^"]*)"', page)
    assert promote is not None
    answer = send(browser, promote[1], "/admin/people")
    assert answer.location == f"/admin/people?people=bo#{bob.id}"
    assert f'id="{bob.id}"' in browser.get(answer.location).text
    answer = send(browser, f"/admin/people/{bob.id}/demote", "/admin/people")
    assert answer.location == f"/admin/people#{bob.id}"


def test_an_answer_that_is_loaded_anew_leads_to_its_page(team: Team, ann: Person) -> None:
    bob, browser = team.person("bob"), ann.browser()
    assert browser.get("/profile/password").location == "/profile"
    for answer in ("demote", "reset-link"):
        loaded = browser.get(f"/admin/people/{bob.id}/{answer}")
        assert loaded.location == f"/admin/people#{bob.id}"


def test_the_last_administrator_stays(ann: Person) -> None:
    answer = send(ann.browser(), f"/admin/people/{ann.id}/demote", "/admin/people")
    assert answer.status_code == 409
    assert "last administrator" in answer.text


def test_a_reset_link_gives_a_new_password(app: Flask, team: Team, ann: Person) -> None:
    bob = team.person("bob")
    path = f"/admin/people/{bob.id}/reset-link"
    answer = send(ann.browser(), path, "/admin/people").text
    assert 'href="/admin/people" aria-current="page"' in answer
    reset = link(answer)
    browser = app.test_client()
    # For who forgot the name, too, and for what keeps passwords.
    assert re.search(r'value="bob" autocomplete="username"', browser.get(reset).text)
    assert send(browser, reset, reset, password=PASSWORD).location == "/conversations"
    assert "Bob" in browser.get("/profile").text
    assert app.test_client().get(reset).status_code == 410


@pytest.mark.parametrize("path", ["/admin/people", "/admin/invites"])
def test_the_administration_is_closed_to_members(team: Team, path: str) -> None:
    assert team.person("bob").browser().get(path).status_code == 403
