"""How streams end, and when none is opened: removal, revocation, limits, draining."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp import create_app
from chatapp.domain import accounts, log, sessions, tokens
from chatapp.realtime.hub import Hub
from chatapp.realtime.subscriber import Subscriber
from tests.support import apps
from tests.support.settings import settings_for
from tests.support.stream import Stream, contents, is_an_uncached_problem, listen, types
from tests.support.team import Person, Team


def test_a_named_channel_ends_with_the_membership(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann, bob)
    with listen(bob, f"group:{group}") as stream:
        stream.ready()
        ann.say(group, "premise")
        assert contents([stream.next()]) == ["premise"]
        ann.delete(f"/api/groups/{group}/members/{bob.id}")
        ann.say(group, "after")
        rest = stream.rest()
    assert contents(rest) == []
    assert rest[-1].type == "reconnect"
    assert rest[-1].json == {"reason": "revoked"}


def test_a_replay_obeys_todays_membership(team: Team, ann: Person, bob: Person, dm: str) -> None:
    group = team.group(ann, bob)
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    ann.say(group, "while a member")
    with listen(bob, cursor=cursor) as stream:
        assert contents(stream.ready()) == ["while a member"]
    ann.delete(f"/api/groups/{group}/members/{bob.id}")
    ann.say(group, "after")
    ann.say(dm, "fence")
    with listen(bob, cursor=cursor) as stream:
        replay = stream.ready()
    assert contents(replay) == ["fence"]
    assert types(replay) == ["conversation:left", "message"]


def test_signing_out_ends_the_streams_of_that_session_alone(
    ann: Person, bob: Person, dm: str
) -> None:
    leaving, staying = bob.browser(), bob.browser()
    with (
        Stream(leaving.get("/api/sse")) as first,
        Stream(staying.get("/api/sse")) as second,
        listen(bob) as third,
    ):
        for stream in (first, second, third):
            stream.ready()
        _sign_out(leaving)
        ann.say(dm, "after")
        assert [event.json for event in first.rest()] == [{"reason": "revoked"}]
        for stream in (second, third):
            assert contents([stream.next()]) == ["after"]
    assert leaving.get("/api/sse").status_code == 401


def test_deactivation_ends_every_stream(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    root = team.person("root", admin=True)
    with listen(bob) as by_token, Stream(bob.browser().get("/api/sse")) as by_cookie:
        for stream in (by_token, by_cookie):
            stream.ready()
        with app.app_context():
            accounts.deactivate(root.identity, bob.id)
        ann.say(dm, "after")
        for stream in (by_token, by_cookie):
            assert types(stream.rest()) == ["reconnect"]
    answer = bob.get("/api/sse")
    assert answer.status_code == 401
    is_an_uncached_problem(answer)


def test_a_revoked_token_ends_its_stream(app: Flask, ann: Person, bob: Person, dm: str) -> None:
    with listen(bob) as stream, Stream(bob.browser().get("/api/sse")) as other:
        for opened in (stream, other):
            opened.ready()
        with app.app_context():
            tokens.revoke(bob.identity, bob.identity.credential_id)
        ann.say(dm, "after")
        assert types(stream.rest()) == ["reconnect"]
        assert contents([other.next()]) == ["after"]


def test_a_session_revoked_while_its_stream_is_being_opened_gets_none(
    app: Flask, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = bob.browser()
    register = Hub.register

    def register_late(*given: Any, **named: Any) -> Subscriber:
        with app.app_context():
            sessions.revoke_all_of(bob.identity, bob.id)
        while delivery.follower.position < position():
            gevent.sleep(0)
        return register(*given, **named)

    def position() -> int:
        with app.app_context():
            return log.head().position

    delivery = app.extensions["chatapp"]
    with listen(bob) as stream:
        stream.ready()  # whoever delivers is at it
        monkeypatch.setattr(Hub, "register", register_late)
        answer = browser.get("/api/sse")
    assert answer.status_code == 401
    is_an_uncached_problem(answer)
    assert len(delivery.hub) == 0


def test_a_session_revoked_when_a_new_log_is_gone_on_with_gets_no_stream(
    app: Flask, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, delivery, register = bob.browser(), app.extensions["chatapp"], Hub.register

    def register_late(*given: Any, **named: Any) -> Subscriber:
        with app.app_context():
            sessions.revoke_all_of(bob.identity, bob.id)
        delivery.hub.send_away()
        return register(*given, **named)

    monkeypatch.setattr(Hub, "register", register_late)
    # Whoever delivers goes to the end of the new log, and passes over the revocation.
    monkeypatch.setattr(delivery.follower, "_read_after", lambda *_: [])
    assert browser.get("/api/sse", buffered=False).status_code == 401
    assert len(delivery.hub) == 0


def test_a_session_revoked_while_its_use_is_written_down_gets_none(
    app: Flask, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = bob.browser()
    delivery = app.extensions["chatapp"]

    def touch(_session_id: str) -> None:
        """Wait for the disk, as the first request after an hour does; revoked meanwhile."""
        sessions.revoke_all_of(bob.identity, bob.id)
        while delivery.follower.position < log.head().position:
            gevent.sleep(0)

    with listen(bob) as stream:
        stream.ready()  # whoever delivers is at it
        monkeypatch.setattr(sessions, "TOUCH_EVERY", timedelta(seconds=-1))
        monkeypatch.setattr(sessions, "_touch", touch)
        answer = browser.get("/api/sse")
    assert answer.status_code == 401
    is_an_uncached_problem(answer)
    assert len(delivery.hub) == 0


def test_nobody_gets_a_stream(app: Flask, dm: str) -> None:
    answer = app.test_client().get("/api/sse")
    assert answer.status_code == 401
    is_an_uncached_problem(answer)


@pytest.fixture
def small(data_dir: Path) -> Iterator[Flask]:
    """An application that holds three streams, two of one person."""
    limits = {"CHAT_STREAMS": "3", "CHAT_STREAMS_PER_USER": "2"}
    app = create_app(settings_for(data_dir, **limits))
    yield app
    apps.close(app)


def test_the_limits_are_told_and_a_closed_stream_makes_room(small: Flask) -> None:
    ann, bob = Team(small).people("ann", "bob")
    opened = [listen(ann), listen(ann)]
    refused = ann.get("/api/sse")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    is_an_uncached_problem(refused)
    opened.append(listen(bob))
    refused = bob.get("/api/sse")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    is_an_uncached_problem(refused)
    opened.pop().close()
    opened.append(listen(bob))
    for stream in opened:
        stream.close()
    assert len(small.extensions["chatapp"].hub) == 0


def test_draining_says_goodbye_to_open_streams_and_to_new_ones(
    app: Flask, bob: Person, dm: str
) -> None:
    with listen(bob) as stream:
        stream.ready()
        app.extensions["chatapp"].drain()
        _is_told_to_come_back(stream)
    # A 503 would end a native EventSource for good.
    with listen(bob) as new:
        _is_told_to_come_back(new)
    assert len(app.extensions["chatapp"].hub) == 0


def _is_told_to_come_back(stream: Stream) -> None:
    (goodbye,) = stream.rest()
    assert (goodbye.type, goodbye.json) == ("reconnect", {"reason": "restart"})
    assert 500 <= (stream.parser.retry or 0) <= 3000


def _sign_out(client: FlaskClient) -> None:
    with client.session_transaction() as cookie:
        secret = cookie["secret"]
    with client.application.app_context():
        me = sessions.find(secret)
        assert me is not None
        sessions.sign_out(me)
