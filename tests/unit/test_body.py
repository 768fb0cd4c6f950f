"""What a JSON body or a query may be, and that everything else is a 400 that names it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from chatapp.api import problems
from chatapp.api.body import MAX_BODY, read_body
from chatapp.api.fields import MAX_INTEGER, Boolean, Id, IdList, Integer, Line, Optional, Text
from chatapp.api.query import read_query


def echo() -> Response:
    body = read_body(
        content=Text(max=20),
        groupId=Optional(Id()),
        userIds=Optional(IdList(max=3)),
        private=Optional(Boolean(), default=False),
        count=Optional(Integer(min=1)),
        name=Optional(Line(max=10)),
        topic=Optional(Line(max=10, min=0)),
    )
    return Response(json.dumps(body))


@pytest.fixture
def client() -> FlaskClient:
    """A client of a small app that says what it understood."""
    app = Flask(__name__)
    problems.init_app(app)
    app.add_url_rule("/api/body", view_func=echo, methods=["POST"])
    app.add_url_rule(
        "/api/query", "query", lambda: read_query("groupId", "before", "limit"), methods=["GET"]
    )
    return app.test_client()


def post(client: FlaskClient, body: bytes | str, **how: Any) -> Any:
    how.setdefault("content_type", "application/json")
    return client.post("/api/body", data=body, **how)


def test_what_is_declared_comes_clean(client: FlaskClient) -> None:
    sent = {"content": "e\u0301\r\n", "userIds": ["user_a", "user_a"], "count": MAX_INTEGER}
    answer = post(client, json.dumps({**sent, "name": " a  b ", "topic": ""}))
    assert answer.get_json(force=True) == {
        "content": "é\n",
        "groupId": None,
        "userIds": ["user_a"],
        "private": False,
        "count": MAX_INTEGER,
        "name": "a b",
        "topic": "",
    }


def test_null_is_absent_where_a_field_may_be(client: FlaskClient) -> None:
    assert post(client, '{"content":"a","groupId":null}').status_code == 200
    assert post(client, '{"content":null}').status_code == 400


def test_crlf_from_a_form_counts_once(client: FlaskClient) -> None:
    assert post(client, json.dumps({"content": "a\r\n" * 10})).status_code == 200
    assert post(client, json.dumps({"content": "a\r\n" * 10 + "b"})).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "content"),
        ('{"content":1}', "content"),
        ('{"content":["a"]}', "content"),
        ('{"content":{"a":"b"}}', "content"),
        ('{"content":true}', "content"),
        ('{"content":""}', "content"),
        ('{"content":" \\u200b"}', "content"),
        ('{"content":"a\\u0000b"}', "content"),
        ('{"content":"\\ud800"}', "content"),
        ('{"content":"\\udc00\\ud800"}', "content"),
        (json.dumps({"content": "x" * 21}), "content"),
        (json.dumps({"content": "x" * 50_000}), "content"),
        ('{"content":"a","role":"admin"}', "role"),
        ('{"content":"a","createdAt":"2020-01-01T00:00:00Z"}', "createdAt"),
        ('{"content":"a","id":"msg_1"}', "id"),
        ('{"content":"a","":1}', ""),
        ('{"content":"a","__proto__":1}', "__proto__"),
        ('{"content":"a","\\ud800\\u0000\\n":1}', "\\ud800\\x00\\n"),
        ('{"content":"a","content":"b"}', "content"),
        ('{"content":"a","groupId":"g","groupId":"g"}', "groupId"),
        ('{"content":"a","groupId":5}', "groupId"),
        ('{"content":"a","groupId":"a b"}', "groupId"),
        ('{"content":"a","groupId":"a\\n"}', "groupId"),
        ('{"content":"a","groupId":""}', "groupId"),
        (json.dumps({"content": "a", "groupId": "x" * 101}), "groupId"),
        ('{"content":"a","groupId":"\\ud800"}', "groupId"),
        ('{"content":"a","userIds":"user_a"}', "userIds"),
        ('{"content":"a","userIds":[]}', "userIds"),
        ('{"content":"a","userIds":["a","b","c","d"]}', "userIds"),
        ('{"content":"a","userIds":["a",1]}', "userIds"),
        ('{"content":"a","userIds":[["a"]]}', "userIds"),
        ('{"content":"a","userIds":[null]}', "userIds"),
        ('{"content":"a","private":1}', "private"),
        ('{"content":"a","private":"true"}', "private"),
        ('{"content":"a","count":true}', "count"),
        ('{"content":"a","count":"5"}', "count"),
        ('{"content":"a","count":1.0}', "count"),
        ('{"content":"a","count":1e3}', "count"),
        ('{"content":"a","count":0}', "count"),
        ('{"content":"a","count":9007199254740992}', "count"),
        ('{"content":"a","count":9223372036854775808}', "count"),
        ('{"content":"a","count":-9223372036854775809}', "count"),
        ('{"content":"a","count":1e400}', "count"),
        ('{"content":"a","name":"01234567890"}', "name"),
        ('{"content":"a","name":""}', "name"),
        ('{"content":"a","name":"\\u202e"}', "name"),
        ('{"content":"a","topic":7}', "topic"),
        ('{"content":"a","count":NaN}', "body"),
        ('{"content":"a","count":-Infinity}', "body"),
        ('{"content":"a","count":' + "9" * 5000 + "}", "body"),
        ("", "body"),
        ("null", "body"),
        ("[]", "body"),
        ('"text"', "body"),
        ("5", "body"),
        ("{", "body"),
        ('{"content":"a"} {}', "body"),
        ('{"content":"a",}', "body"),
        ("{'content':'a'}", "body"),
        ('{"content":"a\nb"}', "body"),
        ('\ufeff{"content":"a"}', "body"),
        ('{"content":"a"}\0', "body"),
        ("[" * 100_000, "body"),
        # Deep as it is, Python 3.14 reads it, and finds a list.
        ('{"content":' + "[" * 50_000 + "]" * 50_000 + "}", ""),
        ('{"a":' * 20_000, "body"),
        (b'{"content":"\xff"}', "body"),
        (b'{"content":"\xed\xa0\x80"}', "body"),
        ('{"content":"a"}'.encode("utf-16"), "body"),
    ],
)
def test_anything_else_is_a_400_that_names_it(
    client: FlaskClient, body: bytes | str, field: str
) -> None:
    answer = post(client, body)
    assert answer.status_code == 400, answer.text
    assert answer.mimetype == "application/problem+json"
    if field:
        assert [error["field"] for error in answer.get_json(force=True)["errors"]] == [field]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"],
)
def test_what_a_foreign_form_can_send_is_a_415(client: FlaskClient, content_type: str) -> None:
    assert post(client, '{"content":"a"}', content_type=content_type).status_code == 415


def test_a_charset_beside_the_type_is_harmless(client: FlaskClient) -> None:
    how = {"content_type": "application/json; charset=utf-8"}
    assert post(client, '{"content":"a"}', **how).status_code == 200


def test_a_body_that_is_too_large_is_a_413(client: FlaskClient) -> None:
    body = json.dumps({"content": "x" * MAX_BODY})
    assert post(client, body).status_code == 413


def test_a_body_without_length_is_read_up_to_the_limit(client: FlaskClient) -> None:
    for size, status in ((10, 200), (MAX_BODY, 413), (10 * MAX_BODY, 413)):
        stream = io.BytesIO(json.dumps({"content": "x" * size}).encode())
        answer = post(
            client,
            b"",
            input_stream=stream,
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True, "wsgi.input": stream},
        )
        assert answer.status_code == status
        assert stream.tell() <= MAX_BODY + 64 * 1024


def test_a_query_holds_what_was_given(client: FlaskClient) -> None:
    assert client.get("/api/query").get_json() == {"limit": 50}
    answer = client.get("/api/query?groupId=group_a&limit=100")
    assert answer.get_json() == {"groupId": "group_a", "limit": 100}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=5.0", "limit"),
        ("limit=+5", "limit"),
        ("limit=%D9%A5", "limit"),
        ("limit=" + "9" * 400, "limit"),
        ("limit=5&limit=5", "limit"),
        ("groupId=a&groupId=b", "groupId"),
        ("groupId=a%00b", "groupId"),
        ("groupId=a%0Ab", "groupId"),
        ("groupId=" + "x" * 501, "groupId"),
        ("userId=user_a", "userId"),
        ("%C3%A9%0a=1", "\\xe9\\n"),
    ],
)
def test_a_query_that_cannot_be_taken_is_a_400(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/api/query?{query}")
    assert answer.status_code == 400
    assert answer.get_json(force=True)["errors"][0]["field"] == field
