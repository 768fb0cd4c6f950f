from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp import identity
from chatapp.cli import OPERATOR
from chatapp.domain import accounts, sessions, tokens
from chatapp.models import now
from tests.support.statements import recorded
from tests.support.team import Person, Team

PASSWORD = "four plain words here"


@pytest.fixture
def mara(team: Team) -> Person:
    return team.person("mara")


def csrf(client: FlaskClient, page: str = "/profile") -> str:
    """Return the token that a page carries."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found is not None
    return found[1]


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_says_who_is_calling(client: FlaskClient, mara: Person, scheme: str) -> None:
    answer = client.get("/api/me", headers=bearer(mara.token, scheme))
    assert answer.json
    assert answer.json["id"] == mara.id


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer chat_x", "bearer chat_a b", "Bearer é"]
)
def test_a_bad_bearer_is_refused_even_beside_a_good_cookie(mara: Person, header: str) -> None:
    browser = mara.browser()
    assert browser.get("/api/me").status_code == 200
    for answer in (
        browser.get("/api/me", headers={"Authorization": header}),
        browser.post("/api/messages", json={}, headers={"Authorization": header}),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer error=invalid_token"
        assert answer.mimetype == "application/problem+json"


def test_another_scheme_leaves_it_to_the_cookie(mara: Person) -> None:
    basic = {"Authorization": "Basic bWFyYTpwYXNzd29yZA=="}
    browser = mara.browser()
    assert browser.get("/api/me", headers=basic).status_code == 200
    # A browser adds it by itself, as behind a proxy that asks for a password.
    assert "CSRF" in browser.post("/api/groups", json={}, headers=basic).text


def test_nobody_is_told_so_by_the_api_and_sent_to_sign_in_by_pages(client: FlaskClient) -> None:
    for answer in (client.get("/api/me"), client.post("/api/messages", json={})):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    page = client.get("/people?query=a%20b")
    assert page.status_code == 303
    assert page.location == "/sign-in?next=/people%3Fquery%3Da%2520b"


def test_an_unsafe_call_by_cookie_needs_the_csrf_token(mara: Person) -> None:
    browser = mara.browser()
    token = csrf(browser)
    body = {"userIds": [mara.id]}
    for headers in ({}, {"X-CSRFToken": ""}, {"X-CSRFToken": "x"}, {"X-CSRFToken": token[:-1]}):
        answer = browser.post("/api/direct-messages", json=body, headers=headers)
        assert answer.status_code == 400
        assert "CSRF" in answer.text
    good = browser.post("/api/direct-messages", json=body, headers={"X-CSRFToken": token})
    assert "CSRF" not in good.text
    assert "CSRF" not in mara.post("/api/direct-messages", json=body).text


def test_a_token_of_another_browser_is_no_csrf_token(mara: Person) -> None:
    token = csrf(mara.browser())
    answer = mara.browser().post("/api/groups", json={}, headers={"X-CSRFToken": token})
    assert "CSRF" in answer.text


def test_a_form_from_another_site_is_refused(app: Flask, mara: Person) -> None:
    assert mara.browser().post("/sign-out").status_code == 400
    assert app.test_client().post("/sign-in", data={"name": "mara"}).status_code == 400


def test_a_call_costs_one_select_to_know_who_it_is(app: Flask, mara: Person) -> None:
    for client, headers in ((mara.browser(), {}), (app.test_client(), bearer(mara.token))):
        with recorded(app) as statements:
            client.get("/api/nothing", headers=headers)
            client.get("/api/me", headers=headers)
        credentials = [text for text in statements if "secret_hash" in text]
        assert len(credentials) == 1, credentials


def test_a_sign_in_replaces_whatever_cookie_was_planted(app: Flask, team: Team) -> None:
    with app.app_context():
        accounts.create("mara", "Mara", PASSWORD)
        planted, _ = sessions.start(accounts.get(team.person("mallory").id))
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["secret"], cookie["other"] = planted, "kept?"
    client.get("/profile")
    old = client.get_cookie("chat_session")
    data = {"name": "mara", "password": PASSWORD, "csrf_token": csrf(client)}
    assert client.post("/sign-in", data=data).location == "/conversations"
    with client.session_transaction() as cookie:
        assert cookie["secret"] != planted
        assert "other" not in cookie
    assert old
    thief = app.test_client()
    thief.set_cookie("chat_session", old.value)
    assert thief.get("/api/me").status_code == 401


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_is_out_of_reach(client: FlaskClient, scheme: str) -> None:
    cookie = client.get("/sign-in", base_url=f"{scheme}://localhost").headers["Set-Cookie"]
    flags = cookie.split("; ")
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert ("Secure" in flags) == (scheme == "https")


def test_a_sign_in_lasts_thirty_days(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        accounts.create("mara", "Mara", PASSWORD)
    data = {"name": "mara", "password": PASSWORD, "csrf_token": csrf(client, "/sign-in")}
    client.post("/sign-in", data=data)
    cookie = client.get_cookie("chat_session")
    assert cookie
    assert cookie.expires
    assert 29 <= (cookie.expires - now()).days <= 30


def test_a_mounted_chat_stays_below_its_path(client: FlaskClient) -> None:
    answer = client.get("/sign-in", base_url="http://localhost/chat")
    assert "Path=/chat" in answer.headers["Set-Cookie"]
    page = client.get("/people", base_url="http://localhost/chat")
    assert page.location == "/chat/sign-in?next=/chat/people"


def test_the_cookie_is_renewed_once_a_day(mara: Person) -> None:
    browser = mara.browser()
    assert "Set-Cookie" in browser.get("/api/me").headers
    assert "Set-Cookie" not in browser.get("/api/me").headers


def test_a_revoked_session_is_nobody(app: Flask, mara: Person) -> None:
    browser = mara.browser()
    with app.app_context():
        sessions.revoke_all_of(mara.identity, mara.id)
    assert browser.get("/api/me").status_code == 401
    with app.app_context():
        secret, token = tokens.create(OPERATOR, "mara")
        tokens.revoke(OPERATOR, token.id)
    assert browser.get("/api/me", headers=bearer(secret)).status_code == 401


@pytest.mark.parametrize("cookie", ["x", "eyJzZWNyZXQiOjF9.aaaa.bbbb", "é", "." * 3000])
def test_a_forged_cookie_is_nobody(client: FlaskClient, cookie: str) -> None:
    client.set_cookie("chat_session", cookie)
    assert client.get("/api/me").status_code == 401


def test_a_secret_of_another_type_is_nobody(client: FlaskClient) -> None:
    with client.session_transaction() as cookie:
        cookie["secret"] = ["a", "list"]
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/people?query=a%20b", True),
        ("/", True),
        ("/chat/conversations/dm_x#msg_y", True),
        ("//evil.example/", False),
        ("/\\evil.example/", False),
        ("\\\\evil.example/", False),
        ("https://evil.example/", False),
        ("javascript:alert(1)", False),
        ("people", False),
        ("/a\nb", False),
        ("/\t/evil.example", False),
        ("", False),
        (None, False),
    ],
)
def test_one_is_sent_on_to_this_origin_alone(target: str | None, expected: bool) -> None:
    assert identity.safe_next(target) == (target if expected else None)


def test_the_administration_is_for_administrators(team: Team, mara: Person) -> None:
    boss = team.person("boss", admin=True)
    assert boss.browser().get("/admin/people").status_code == 200
    assert mara.browser().get("/admin/people").status_code == 403
