"""Every error is told: to programs as problem+json, to people as a page, to nobody its inside."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask import Flask, Response, abort, redirect
from flask.testing import FlaskClient
from flask_wtf.csrf import CSRFError
from jinja2 import DictLoader
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests, Unauthorized

from chatapp.api import problems
from chatapp.domain import errors
from chatapp.domain.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound, TooMany

SECRET = "SELECT hash FROM users; /srv/data/secret_key"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class BadLuck(Exception):
    """An error that nobody foresaw."""


ERRORS: dict[str, Exception] = {
    "invalid": Invalid("name", "It is taken."),
    "forbidden": Forbidden("Only the owner may do this."),
    "hidden": NotFound(),
    "conflict": Conflict("It says something else."),
    "gone": Gone("This link was used."),
    "many": TooMany("Wait a little.", retry_after=7),
    "csrf": CSRFError("The CSRF token is missing."),
    "teapot": HTTPException(),
    "limited": TooManyRequests("5 per 1 minute"),
    "busy": ServiceUnavailable(retry_after=3),
    "nobody": Unauthorized("Sign in first."),
    "broken": BadLuck(SECRET),
}


def fail(kind: str) -> Response:
    raise ERRORS[kind]


def elsewhere() -> Any:
    return abort(redirect("/sign-in", 303))


@pytest.fixture
def small_app() -> Flask:
    """An app whose views only fail."""
    app = Flask(__name__)
    app.jinja_loader = DictLoader(
        {"error.html": "<h1>{{ title }}</h1>{{ status }}: {{ detail }}{{ request_id }}"}
    )
    problems.init_app(app)
    app.add_url_rule("/api/<kind>", view_func=fail)
    app.add_url_rule("/<kind>", "page", view_func=fail)
    app.add_url_rule("/elsewhere", view_func=elsewhere)
    return app


@pytest.fixture
def client(small_app: Flask) -> FlaskClient:
    return small_app.test_client()


@pytest.mark.parametrize(
    ("kind", "status", "title", "detail"),
    [
        ("invalid", 400, "Invalid input", "It is taken."),
        ("forbidden", 403, "Not allowed", "Only the owner may do this."),
        ("hidden", 404, "Not found", "There is nothing here, or nothing that you may see."),
        ("conflict", 409, "Conflict", "It says something else."),
        ("gone", 410, "No longer valid", "This link was used."),
        ("many", 429, "Too many requests", "Wait a little."),
        ("csrf", 400, "Bad Request", "The CSRF token is missing."),
        ("limited", 429, "Too Many Requests", problems._WORDS[429]),
        ("nobody", 401, "Unauthorized", "Sign in first."),
        ("broken", 500, "Internal Server Error", problems._WORDS[500]),
    ],
)
def test_the_api_answers_problem_json(
    client: FlaskClient, kind: str, status: int, title: str, detail: str
) -> None:
    answer = client.get(f"/api/{kind}", headers=BROWSER)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json(force=True)
    assert (body["type"], body["title"], body["status"]) == ("about:blank", title, status)
    assert body["detail"] == detail
    assert len(body["requestId"]) == 16


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("invalid", "That did not work"),
        ("conflict", "That did not work"),
        ("hidden", "Not found"),
        ("many", "Too often"),
        ("busy", "Not just now"),
        ("broken", "Something went wrong"),
    ],
)
def test_a_page_says_it_in_words_that_a_person_uses(
    client: FlaskClient, kind: str, heading: str
) -> None:
    page = client.get(f"/{kind}", headers=BROWSER).text
    assert f"<h1>{heading}</h1>" in page
    assert "maintenance downtime" not in page  # werkzeug's words


def test_a_faulty_field_is_named(client: FlaskClient) -> None:
    body = client.get("/api/invalid").get_json(force=True)
    assert body["errors"] == [{"field": "name", "detail": "It is taken."}]
    assert "errors" not in client.get("/api/hidden").get_json(force=True)


def test_headers_that_tell_what_to_do_next_are_kept(client: FlaskClient) -> None:
    assert client.get("/api/many").headers["Retry-After"] == "7"
    assert client.get("/api/limited").headers["Retry-After"] == "60"
    assert client.get("/api/busy").headers["Retry-After"] == "3"
    answer = client.delete("/api/hidden")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.mimetype == "application/problem+json"


def test_a_hidden_thing_looks_like_a_missing_one(client: FlaskClient) -> None:
    def shape(path: str) -> tuple[Any, ...]:
        answer = client.get(path)
        body = answer.get_json(force=True)
        assert body.pop("requestId")
        return answer.status_code, sorted(answer.headers.keys()), json.dumps(body)

    assert shape("/api/hidden") == shape("/api/no/such/address")


def test_stream_errors_tell_proxies_not_to_hold_them(client: FlaskClient) -> None:
    ERRORS["sse"] = TooMany("Too many streams.", retry_after=1)
    answer = client.get("/api/sse")
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_unforeseen_error_is_an_id_outside_and_a_traceback_inside(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/broken")
    for inside in (SECRET, "BadLuck", "Traceback", ".py", "SELECT"):
        assert inside not in answer.text
    [record] = caplog.records
    assert vars(record)["request_id"] == answer.get_json(force=True)["requestId"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], BadLuck)


def test_an_unforeseen_error_at_a_links_address_does_not_log_its_secret(
    client: FlaskClient, small_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    small_app.add_url_rule("/reset/<token>", view_func=lambda **_: fail("broken"))
    with caplog.at_level(logging.ERROR):
        assert client.get("/reset/very-secret").status_code == 500
    [record] = caplog.records
    assert vars(record)["path"] == "/reset/<token>"
    assert "very-secret" not in str(vars(record))


def test_people_get_a_page(client: FlaskClient) -> None:
    answer = client.get("/hidden", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "404: There is nothing here" in answer.text
    assert client.get("/nothing/like/it", headers=BROWSER).mimetype == "text/html"
    assert client.get("/many", headers=BROWSER).headers["Retry-After"] == "7"


def test_programs_get_problems_outside_the_api_too(client: FlaskClient) -> None:
    answer = client.get("/hidden", headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"


def test_a_broken_error_page_still_says_what_happened(
    client: FlaskClient, small_app: Flask
) -> None:
    small_app.jinja_loader = DictLoader({"error.html": "{{ 1 / 0 }}"})
    answer = client.get("/broken", headers=BROWSER)
    assert answer.status_code == 500
    assert problems._WORDS[500] in answer.text
    assert "division" not in answer.text


def test_a_redirect_is_no_error(client: FlaskClient) -> None:
    answer = client.get("/elsewhere")
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_every_domain_error_is_tried_here() -> None:
    tried = {type(error) for error in ERRORS.values()}
    known = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert {kind for kind in known if issubclass(kind, DomainError)} - {DomainError} <= tried
