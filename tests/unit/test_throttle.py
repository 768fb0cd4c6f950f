from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp import throttle
from chatapp.domain import accounts, passwords
from chatapp.domain.errors import DomainError, Invalid, TooMany
from tests.support import forms
from tests.support.team import Person, Team

PASSWORD = "four plain words here"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    def verified(_stored: str | None, password: str) -> bool:
        gevent.sleep(0)
        return password == PASSWORD

    monkeypatch.setattr(passwords, "verify_password", verified)


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def fail(name: str, address: str = "192.0.2.1") -> None:
    """Fail to sign in once."""
    with pytest.raises(Invalid), throttle.sign_in_attempt(name, address):
        raise Invalid("password", "wrong")


def hold(app: Flask, monkeypatch: pytest.MonkeyPatch, changes: float) -> None:
    """Let everybody make so many changes."""
    limited = throttle.throttles(app)._replace(posts=throttle.PostThrottle(changes))
    monkeypatch.setitem(app.extensions, "chatapp.throttle", limited)


def is_held(name: str, address: str = "192.0.2.1") -> bool:
    try:
        with throttle.sign_in_attempt(name, address):
            return False
    except TooMany as error:
        return 0 < error.retry_after <= 15 * 60


@pytest.mark.parametrize("name", ["mara", "nobody"])
def test_guessing_is_told_to_wait_whether_the_account_exists_or_not(
    app: Flask, client: FlaskClient, name: str
) -> None:
    with app.app_context():
        accounts.create("mara", "Mara", PASSWORD)
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    data = {"name": name, "csrf_token": found[1], "password": "wrong"}
    assert [client.post("/sign-in", data=data).status_code for _ in range(5)] == [400] * 5
    answer = client.post("/sign-in", data={**data, "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900


@pytest.mark.usefixtures("context")
def test_only_failures_count() -> None:
    for _ in range(30):
        with throttle.sign_in_attempt("mara", "192.0.2.1"):
            pass
    assert not is_held("mara")


@pytest.mark.usefixtures("context")
def test_an_account_is_held_from_every_address_in_every_spelling() -> None:
    for n in range(5):
        fail("mara", f"192.0.2.{n}")
    assert is_held(" MARA ", "198.51.100.1")
    assert not is_held("nils", "192.0.2.1")


@pytest.mark.usefixtures("context")
def test_an_address_is_held_after_twenty() -> None:
    for n in range(20):
        assert not is_held(f"person{n}")
        fail(f"person{n}")
    assert is_held("person20")
    assert not is_held("person20", "198.51.100.1")


@pytest.mark.usefixtures("context")
def test_guesses_sent_at_once_are_counted_as_well(app: Flask) -> None:
    def guess() -> None:
        with app.app_context(), throttle.sign_in_attempt("mara", "192.0.2.1"):
            gevent.sleep(0)
            raise Invalid("password", "wrong")

    guesses = [gevent.spawn(lambda: refusal(guess)) for _ in range(50)]
    gevent.joinall(guesses, raise_error=True)
    outcomes = [guess.get() for guess in guesses]
    assert outcomes.count(Invalid) == 5
    assert outcomes.count(TooMany) == 45


@pytest.mark.usefixtures("context")
def test_no_more_tries_run_at_once_than_are_hashed(app: Flask) -> None:
    running = [0]

    def attempt(number: int) -> int:
        address = f"192.0.2.{number}"
        with app.app_context(), throttle.sign_in_attempt(f"person{number}", address):
            running[0] += 1
            gevent.sleep(0)
            seen = running[0]
            running[0] -= 1
            return seen

    attempts = [gevent.spawn(attempt, number) for number in range(10)]
    gevent.joinall(attempts, raise_error=True)
    assert max(each.get() for each in attempts) == 2


def refusal(verb: Callable[[], None]) -> type[DomainError] | None:
    try:
        verb()
    except DomainError as error:
        return type(error)
    return None


def test_an_ipv6_client_is_its_network() -> None:
    assert throttle.network("2001:db8:1:2:aaaa::1") == throttle.network("2001:db8:1:2::9")
    assert throttle.network("2001:db8:1:3::1") != throttle.network("2001:db8:1:2::1")
    assert throttle.network("::ffff:192.0.2.1") == throttle.network("192.0.2.1")
    assert throttle.network("") == "unknown"


def test_posts_are_held_past_the_limit_and_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("chatapp.throttle.time.monotonic", lambda: clock[0])
    posts = throttle.PostThrottle(60)
    for _ in range(60):
        posts.check("user_a")
    with pytest.raises(TooMany) as held:
        posts.check("user_a")
    assert held.value.retry_after == 1
    posts.check("user_b")
    clock[0] += 1
    posts.check("user_a")
    with pytest.raises(TooMany):
        posts.check("user_a")


def test_what_other_processes_let_through_holds_nobody_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr("chatapp.throttle.time.monotonic", lambda: clock[0])
    posts = throttle.PostThrottle(60)
    for _ in range(200):
        posts.note("user_a")
    with pytest.raises(TooMany):
        posts.check("user_a")
    clock[0] += 1
    posts.check("user_a")


def test_no_limit_is_no_limit() -> None:
    posts = throttle.PostThrottle(0)
    for _ in range(1000):
        posts.check("user_a")


def test_whatever_others_are_told_of_counts(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, public = team.group(ann), team.group(bob, private=False)
    eve = team.person("eve")
    hold(app, monkeypatch, 0.5)
    browser, path = ann.browser(), f"/conversations/{group}"
    for answer in (
        ann.post("/api/groups", json={"name": "Another"}),
        ann.patch(f"/api/groups/{group}", json={"name": "Renamed"}),
        ann.post(f"/api/groups/{group}/members", json={"userIds": [bob.id]}),
        ann.delete(f"/api/groups/{group}/members/{ann.id}"),
        ann.post("/api/direct-messages", json={"userIds": [eve.id]}),
        forms.send(browser, f"/groups/{public}/join"),
        forms.send(browser, f"{path}/people/add", user_ids=bob.id),
        forms.send(browser, f"{path}/people/{ann.id}/remove"),
        forms.send(browser, f"{path}/leave"),
        forms.send(browser, f"{path}/archive"),
        forms.send(browser, "/direct-messages/new", user_ids=eve.id),
    ):
        assert answer.status_code == 429
    for held in (
        forms.send(browser, "/groups/new", name="typed with care"),
        forms.send(browser, f"{path}/details", name="typed with care"),
        forms.send(browser, "/profile", display_name="typed with care"),
    ):
        assert held.status_code == 429
        assert "typed with care" in held.text
    # What is there already is found as often as one likes.
    again = ann.post("/api/direct-messages", json={"userIds": [bob.id]})
    assert (again.status_code, (again.json or {})["id"]) == (200, dm)


def test_changing_a_message_counts_as_posting_one(
    app: Flask, ann: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/messages/{ann.say(dm, 'Hello')['id']}"
    hold(app, monkeypatch, 2)
    answers = [ann.patch(path, json={"content": f"Hello {n}"}).status_code for n in range(3)]
    assert answers == [200, 200, 429]
    page = path.replace("/api", "") + "/edit"
    held = forms.send(ann.browser(), page, content="typed with care")
    assert held.status_code == 429
    assert "typed with care" in held.text
