"""Every answer is protected: pages, JSON, files, errors, redirects and streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, redirect, render_template_string, request
from flask.testing import FlaskClient

from chatapp import security
from chatapp.api import problems
from tests.support.settings import settings_for


def stream() -> Response:
    def chunks() -> Iterator[str]:
        yield "data: 1\n\n"

    return Response(chunks(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})


def build(folder: Path, **env: str) -> Flask:
    app = Flask(__name__, static_folder=str(folder), static_url_path="/static")
    security.init_app(app, settings_for(folder, **env))
    problems.init_app(app)
    app.add_url_rule("/page", "page", lambda: render_template_string("{{ csp_nonce() }}"))
    app.add_url_rule("/api/json", "json", lambda: {"a": 1}, methods=["GET", "POST"])
    app.add_url_rule("/api/sse", "stream", stream)
    app.add_url_rule("/moved", "moved", lambda: redirect("/page"))
    app.add_url_rule("/api/broken", "broken", lambda: str(1 // 0))
    app.add_url_rule("/api/seen", "seen", lambda: [request.remote_addr, request.url])
    return app


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    (tmp_path / "a.css").write_text("")
    return build(tmp_path).test_client()


def nonce_of(policy: str) -> str:
    found = re.search(r"script-src 'self' 'nonce-([\w-]{20,})'", policy)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "path",
    ["/page", "/api/json", "/api/sse", "/moved", "/no", "/static/none", "/api/no", "/api/broken"],
)
def test_every_answer_is_protected(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Origin": "https://evil.example"}) as answer:
        headers, is_page = answer.headers, answer.mimetype == "text/html"
    policy = headers["Content-Security-Policy"]
    # What is no page holds nothing inline, so nothing inline is let in there.
    assert is_page == ("'nonce-" in policy)
    assert "script-src 'self'" in policy
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])
    assert not [name for name, _ in headers if name.lower().startswith("access-control")]
    assert "Strict-Transport-Security" not in headers


def test_a_static_file_is_protected_with_fewer_words(client: FlaskClient) -> None:
    with client.get("/static/a.css") as answer:
        headers = answer.headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/page", "/api/json", "/api/sse", "/no", "/api/broken"])
def test_nothing_personal_is_stored_on_the_way(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"


def test_files_keep_the_caching_that_they_ask_for(client: FlaskClient) -> None:
    with client.get("/static/a.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_nonce_is_the_pages_own_and_new_each_time(client: FlaskClient) -> None:
    first, second = client.get("/page"), client.get("/page")
    assert first.text == nonce_of(first.headers["Content-Security-Policy"])
    assert first.text != second.text


def test_requests_in_one_app_context_do_not_share_their_id(tmp_path: Path) -> None:
    app = build(tmp_path)
    with app.app_context():
        ids = {app.test_client().get("/page").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_request_id_from_outside_is_not_taken(client: FlaskClient) -> None:
    answer = client.get("/api/no", headers={"X-Request-Id": "forged"})
    assert answer.headers["X-Request-Id"] == answer.get_json(force=True)["requestId"] != "forged"


def test_https_is_remembered(client: FlaskClient) -> None:
    answer = client.get("/page", base_url="https://chat.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


FORWARDED = {
    "X-Forwarded-For": "203.0.113.5",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "chat.example",
}


def test_proxies_are_believed_only_where_they_are_declared(tmp_path: Path) -> None:
    seen = build(tmp_path).test_client().get("/api/seen", headers=FORWARDED)
    assert seen.get_json() == ["127.0.0.1", "http://localhost/api/seen"]
    assert "Strict-Transport-Security" not in seen.headers

    seen = (
        build(tmp_path, CHAT_TRUSTED_PROXIES="1").test_client().get("/api/seen", headers=FORWARDED)
    )
    assert seen.get_json() == ["203.0.113.5", "https://chat.example/api/seen"]
    assert "Strict-Transport-Security" in seen.headers


def test_a_client_cannot_choose_its_address_through_a_proxy(tmp_path: Path) -> None:
    forged = {**FORWARDED, "X-Forwarded-For": "1.2.3.4, 203.0.113.5"}
    client = build(tmp_path, CHAT_TRUSTED_PROXIES="1").test_client()
    assert client.get("/api/seen", headers=forged).get_json()[0] == "203.0.113.5"
