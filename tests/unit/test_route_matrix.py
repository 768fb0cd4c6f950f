"""Who gets which answer on which route. A route without a row fails the suite.

``in`` is a redirect to the sign-in. The group is private; ``member`` owns it and wrote the
message; ``bot`` is an ordinary member; ``removed`` has left it; ``admin`` is not in it: being an
administrator opens no conversation. An outsider's 404 is also compared with that of an id that
does not exist, and nobody who is refused changes anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from chatapp import create_app
from tests.support import apps
from tests.support.callers import CALLERS, World
from tests.support.databases import Databases
from tests.support.settings import settings_for

TABLE = """
                                                             anon outs remo memb admi bot  revo
GET    /api/conversations                                    401  200  200  200  200  200  401
GET    /api/conversations/<conversation_id>                  401  404  404  200  404  200  401
POST   /api/conversations/<conversation_id>/read             401  404  404  204  404  204  401
POST   /api/conversations/<conversation_id>/typing           401  404  404  204  404  204  401
POST   /api/direct-messages                                  401  201  201  201  201  201  401
GET    /api/groups                                           401  200  200  200  200  200  401
POST   /api/groups                                           401  201  201  201  201  201  401
PATCH  /api/groups/<group_id>                                401  404  404  200  404  403  401
POST   /api/groups/<group_id>/members                        401  404  404  200  404  200  401
POST   /api/groups/<public>/members                          401  403  403  200  403  403  401
DELETE /api/groups/<group_id>/members/<user_id>              401  404  404  204  404  403  401
GET    /api/me                                               401  200  200  200  200  200  401
GET    /api/messages?groupId=<group_id>                      401  404  404  200  404  200  401
GET    /api/messages?directMessageId=<dm>                    401  404  404  200  404  200  401
POST   /api/messages                                         401  404  404  201  404  201  401
GET    /api/messages/<message_id>                            401  404  404  200  404  200  401
PATCH  /api/messages/<message_id>                            401  404  404  200  404  403  401
DELETE /api/messages/<message_id>                            401  404  404  204  404  403  401
GET    /api/presence                                         401  200  200  200  200  200  401
GET    /api/presence?userId=<user_id>                        401  200  200  200  200  200  401
GET    /api/sse                                              401  200  200  200  200  200  401
GET    /api/sse?channel=group:<group_id>                     401  404  404  200  404  200  401
GET    /api/sse?channel=dm:<dm>                              401  404  404  200  404  200  401
GET    /api/sse/stats                                        401  403  403  403  200  403  401
GET    /api/users                                            401  200  200  200  200  200  401
GET    /healthz                                              200  200  200  200  200  200  200
GET    /metrics                                              404  404  404  404  200  404  404
GET    /readyz                                               200  200  200  200  200  200  200
GET    /static/<version_asked>/<path:filename>               200  200  200  200  200  200  200
GET    /                                                     in   302  302  302  302  302  in
GET    /sign-in                                              200  302  302  302  302  302  200
POST   /sign-in                                              303  303  303  303  303  303  303
POST   /sign-out                                             in   in   in   in   in   in   in
GET    /set-up/<token>                                       404  404  404  404  404  404  404
POST   /set-up/<token>                                       404  404  404  404  404  404  404
GET    /join/<token>                                         200  200  200  200  200  200  200
POST   /join/<token>                                         303  303  303  303  303  303  303
GET    /reset/<token>                                        200  200  200  200  200  200  200
POST   /reset/<token>                                        303  303  303  303  303  303  303
GET    /conversations                                        in   200  200  200  200  200  in
GET    /conversations/<conversation_id>                      in   404  404  200  404  200  in
GET    /conversations/<dm>                                   in   404  404  200  404  200  in
POST   /conversations/<conversation_id>                      401  404  404  303  404  303  401
POST   /conversations/<conversation_id>/read                 in   404  404  303  404  303  in
GET    /conversations/<conversation_id>/details              in   404  404  200  404  200  in
POST   /conversations/<conversation_id>/details              in   404  404  303  404  403  in
GET    /conversations/<conversation_id>/people/add           in   404  404  200  404  200  in
POST   /conversations/<conversation_id>/people/add           in   404  404  303  404  303  in
POST   /conversations/<conversation_id>/people/<user_id>/remove  in   404  404  303  404  403  in
GET    /conversations/<conversation_id>/leave                in   404  404  200  404  200  in
POST   /conversations/<conversation_id>/leave                in   404  404  303  404  303  in
POST   /conversations/<conversation_id>/archive              in   404  404  303  404  403  in
GET    /direct-messages/new                                  in   200  200  200  200  200  in
POST   /direct-messages/new                                  in   303  303  303  303  303  in
GET    /groups                                               in   200  200  200  200  200  in
GET    /groups/new                                           in   200  200  200  200  200  in
POST   /groups/new                                           in   303  303  303  303  303  in
POST   /groups/<conversation_id>/join                        in   404  404  303  404  303  in
GET    /messages/<message_id>                                in   404  404  200  404  200  in
GET    /messages/<message_id>/edit                           in   404  404  200  404  403  in
POST   /messages/<message_id>/edit                           in   404  404  303  404  403  in
GET    /messages/<message_id>/delete                         in   404  404  200  404  403  in
POST   /messages/<message_id>/delete                         in   404  404  303  404  403  in
GET    /people                                               in   200  200  200  200  200  in
GET    /profile                                              in   200  200  200  200  200  in
POST   /profile                                              in   303  303  303  303  303  in
GET    /profile/password                                     in   303  303  303  303  303  in
POST   /profile/password                                     in   400  400  400  400  400  in
POST   /profile/sessions/revoke                              in   in   in   in   in   in   in
POST   /profile/sessions/<session_id>/revoke                 in   404  404  303  404  404  in
GET    /admin/people                                         in   403  403  403  200  403  in
GET    /admin/people/<user_id>/<verb>                        in   403  403  403  303  403  in
POST   /admin/people/<user_id>/<verb>                        in   403  403  403  303  403  in
POST   /admin/people/<user_id>/reset-link                    in   403  403  403  200  403  in
GET    /admin/invites                                        in   403  403  403  200  403  in
POST   /admin/invites                                        in   403  403  403  200  403  in
POST   /admin/invites/<invite_id>/revoke                     in   403  403  403  303  403  in
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
UNSAFE = [row for row in ROWS if row[0] != "GET"]
#: Rows in which nobody succeeds, with the reason.
NOBODY = {
    ("GET", "/set-up/<token>"): "used up",
    ("POST", "/set-up/<token>"): "used up",
    ("POST", "/profile/password"): "the wrong old password",
}
#: Names of the world that stand for another of the route's own.
ALIASES = {"public": "group_id", "dm": "conversation_id"}


def _name(row: list[str]) -> str:
    return " ".join(row[:2])


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    databases.make(folder)
    # Whoever asks for a second while they have one would wait for themselves, and get a 503.
    app = create_app(replace(settings_for(folder), database_connections=1))
    app.testing = True
    yield World(app)
    apps.close(app)


def test_every_route_has_a_row(app: Flask) -> None:
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, _rule(path)) for method, path, *_ in ROWS} == routes


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_each_caller_gets_the_answer_of_the_table(world: World, row: list[str]) -> None:
    method, path, *expected = row
    seen = []
    for caller in CALLERS:
        answer = world.call(caller, method, path)
        seen.append(_short(answer))
        answer.close()
    assert dict(zip(CALLERS, seen, strict=True)) == dict(zip(CALLERS, expected, strict=True))


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_somebody_succeeds_on_each_route(row: list[str]) -> None:
    """The premise of every refusal: the call itself is a good one."""
    method, path, *answers = row
    succeeds = {"200", "201", "204", "302", "303"} & set(answers) or set(answers) == {"in"}
    assert bool(succeeds) is not ((method, path) in NOBODY)


@pytest.mark.parametrize("row", UNSAFE, ids=_name)
def test_a_refused_call_changes_nothing(world: World, row: list[str]) -> None:
    method, path, *expected = row
    for caller, code in zip(CALLERS, expected, strict=True):
        if code in ("401", "403", "404"):
            world.restore()
            before = world.content()
            assert _short(world.call(caller, method, path)) == code
            assert world.content() == before, caller


@pytest.mark.parametrize("row", UNSAFE, ids=_name)
def test_a_cookie_without_the_csrf_token_is_refused(world: World, row: list[str]) -> None:
    world.restore()
    before = world.content()
    for caller in ("member", "admin"):
        assert world.call(caller, *row[:2], csrf=False).status_code == 400
        assert world.content() == before


@pytest.mark.parametrize("row", [row for row in ROWS if row[3] == "404"], ids=_name)
def test_what_an_outsider_may_not_see_looks_as_if_it_did_not_exist(
    world: World, row: list[str]
) -> None:
    method, path = row[:2]
    hidden = world.call("outsider", method, path)
    known = dict(world.names)
    try:
        for name in ("conversation_id", "group_id", "dm", "message_id", "session_id"):
            world.names[name] = known[name][:-4] + "none"
        absent = world.call("outsider", method, path)
    finally:
        world.names = known
    assert _body(hidden, world) == _body(absent, world)
    assert hidden.status == absent.status
    assert sorted(hidden.headers.keys()) == sorted(absent.headers.keys())


def test_head_of_the_stream_leaves_no_subscriber(world: World) -> None:
    hub = world.app.extensions["chatapp"].hub
    opened = world.call("bot", "GET", "/api/sse")
    assert len(hub) == 1
    opened.close()
    head = world.call("bot", "HEAD", "/api/sse")
    assert head.status_code == 200
    head.close()
    assert len(hub) == 0


def test_a_bad_bearer_beside_a_good_cookie_is_refused(world: World) -> None:
    client = world.client("member")
    assert client.get("/api/me").status_code == 200
    for bearer in ("Bearer nonsense", "Bearer", "bearer chat_nonsense", "Bearer \xe4"):
        assert client.get("/api/me", headers={"Authorization": bearer}).status_code == 401


def _rule(path: str) -> str:
    rule = path.partition("?")[0]
    for alias, name in ALIASES.items():
        rule = rule.replace(f"<{alias}>", f"<{name}>")
    return rule


def _short(answer: TestResponse) -> str:
    to_sign_in = answer.headers.get("Location", "").partition("?")[0] == "/sign-in"
    return "in" if to_sign_in else str(answer.status_code)


def _body(answer: TestResponse, world: World) -> str:
    """Return the body without what differs from one answer to the next."""
    words = re.sub(r'[0-9a-f]{16}|nonce="[^"]*"|content="[^"]*"', "…", answer.text)
    return re.sub(r"csrf[-_a-z\"= ]*[\w.-]+|(dm|group|msg|sess)_[\w-]+", "…", words)
