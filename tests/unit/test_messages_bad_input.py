"""Bodies that a faulty or hostile client sends: refused with a problem, never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chatapp import create_app
from tests.support import apps
from tests.support.databases import Databases
from tests.support.settings import settings_for
from tests.support.team import Person, Team

DEEP = 50_000


@pytest.fixture(scope="module")
def team(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """One team for all: nothing here leaves anything behind but good messages."""
    folder = tmp_path_factory.mktemp("bad-input")
    databases.make(folder)
    app = create_app(settings_for(folder, CHAT_POSTS_PER_MINUTE="0"))
    app.testing = True
    yield Team(app)
    apps.close(app)


@pytest.fixture(scope="module")
def ann(team: Team) -> Person:
    return team.person("ann")


@pytest.fixture(scope="module")
def dm(team: Team, ann: Person) -> str:
    return team.dm(ann, team.person("bob"))


def listed(person: Person, dm: str) -> object:
    return person.get(f"/api/messages?directMessageId={dm}").json


def raw(content: str) -> str:
    return f'{{"directMessageId": "DM", "content": {content}}}'


#: Refused for what they say; an edit of a message sends the same without the conversation.
TEXTS: dict[str, str | bytes] = {
    "nothing": "",
    "not JSON": "{",
    "a list": "[]",
    "a string": '"content"',
    "null": "null",
    "a number": "1",
    "not UTF-8": b'{"content": "\xff"}',
    "UTF-16": json.dumps({"content": "Hi"}).encode("utf-16"),
    "nested lists": raw("[" * DEEP + "]" * DEEP),
    "nested objects": raw('{"a":' * 10_000 + "1" + "}" * 10_000),
    "a list for text": raw('["Hi"]'),
    "an object for text": raw('{"text": "Hi"}'),
    "a number for text": raw("7"),
    "2^63 for text": raw(str(2**63)),
    "a number of 5,000 digits": raw("9" * 5000),
    "true for text": raw("true"),
    "null for text": raw("null"),
    "NaN": raw("NaN"),
    "infinity": raw("-Infinity"),
    "1e999": raw("1e999"),
    "a lone high surrogate": raw(r'"\ud83d"'),
    "a lone low surrogate": raw(r'"x\udc00"'),
    "NUL": raw(r'"a\u0000b"'),
    "empty": raw('""'),
    "blank": raw(r'" \n\t\u00a0\u3000"'),
    "invisible": raw(r'"\u200b\u2060\ufeff"'),
    "8,001 characters": raw(f'"{"x" * 8001}"'),
    "content twice": '{"directMessageId": "DM", "content": "a", "content": "b"}',
    "no content": '{"directMessageId": "DM"}',
    "an unknown field": '{"directMessageId": "DM", "content": "a", "extra": 1}',
}
REFERENCES = {
    "no conversation": '{"content": "a"}',
    "a list for an id": '{"directMessageId": ["DM"], "content": "a"}',
    "a number for an id": '{"directMessageId": 1, "content": "a"}',
    "an empty id": '{"directMessageId": "", "content": "a"}',
    "NUL in an id": r'{"directMessageId": "dm_\u0000", "content": "a"}',
    "a surrogate in an id": r'{"directMessageId": "dm_\ud800", "content": "a"}',
    "a list for userId": '{"directMessageId": "DM", "content": "a", "userId": ["x"]}',
}
BODIES: dict[str, str | bytes] = {**TEXTS, **REFERENCES}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_bad_body_is_refused_and_nothing_kept(ann: Person, dm: str, body: str | bytes) -> None:
    filled = body.replace("DM", dm) if isinstance(body, str) else body
    before = listed(ann, dm)
    answer = ann.post("/api/messages", data=filled, content_type="application/json")
    assert answer.status_code == 400, answer.text
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= (answer.json or {}).keys()
    assert listed(ann, dm) == before


@pytest.mark.parametrize("body", TEXTS.values(), ids=TEXTS.keys())
def test_a_bad_body_changes_no_message(ann: Person, dm: str, body: str | bytes) -> None:
    message = ann.say(dm, "Good")
    path = f"/api/messages/{message['id']}"
    edit = body.replace('"directMessageId": "DM", ', "") if isinstance(body, str) else body
    answer = ann.patch(path, data=edit, content_type="application/json")
    assert answer.status_code == 400
    assert ann.get(path).json == message


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_json_that_does_not_say_so_is_refused(ann: Person, dm: str, content_type: str) -> None:
    body = json.dumps({"directMessageId": dm, "content": "Hi"})
    answer = ann.post("/api/messages", data=body, content_type=content_type)
    assert answer.status_code == 415
    charset = ann.post("/api/messages", data=body, content_type="application/json; charset=utf-8")
    assert charset.status_code == 201


def test_a_body_too_large_is_refused_unread(ann: Person, dm: str) -> None:
    body = json.dumps({"directMessageId": dm, "content": "x" * 200_000})
    answer = ann.post("/api/messages", data=body, content_type="application/json")
    assert answer.status_code == 413
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["msg_%00", "%ED%A0%80", "msg_" + "x" * 5000, "%C0%AF", "..%2f", "msg_%F0%9F%98%80"]
)
def test_a_strange_id_in_a_path_leads_nowhere(ann: Person, path: str) -> None:
    assert ann.get(f"/api/messages/{path}").status_code == 404
    assert ann.patch(f"/api/messages/{path}", json={"content": "x"}).status_code == 404
    assert ann.delete(f"/api/messages/{path}").status_code == 404
    assert ann.get(f"/api/conversations/{path}").status_code == 404


def test_a_method_that_is_not_there_says_which_are(ann: Person) -> None:
    answer = ann.request("PUT", "/api/messages")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert answer.mimetype == "application/problem+json"
