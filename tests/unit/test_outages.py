"""A SQLite whose disk is full: a 503 that says when to come back, and nothing half done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.domain import log, sqlite_connections
from chatapp.extensions import db
from tests.support import forms
from tests.support.team import Person

pytestmark = pytest.mark.sqlite

TEXT = "typed with care " * 400


@contextmanager
def full_disk(app: Flask) -> Iterator[None]:
    """Let the database file grow no more: SQLite then says what it says of a full disk."""
    with app.app_context():
        driver = sqlite_connections.writer(db.engine).driver
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        with app.app_context():
            driver = sqlite_connections.writer(db.engine).driver
        driver.execute("PRAGMA max_page_count = 1073741823")


def fill(ann: Person, dm: str) -> None:
    """Post until the last page of the file has no room."""
    while post(ann, dm, TEXT).status_code == 201:
        pass


def post(ann: Person, dm: str, content: str, **fields: str) -> Any:
    body = {"directMessageId": dm, "content": content, **fields}
    return ann.post("/api/messages", json=body)


def test_a_full_disk_is_a_503_and_the_same_send_is_taken_once_there_is_room(
    app: Flask, ann: Person, dm: str
) -> None:
    with full_disk(app):
        fill(ann, dm)
        refused = post(ann, dm, TEXT, clientId="once")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert "full" not in refused.text
    assert [post(ann, dm, TEXT, clientId="once").status_code for _ in range(2)] == [201, 200]
    told = ann.get(f"/api/messages?directMessageId={dm}&limit=100").json or []
    assert [message["clientId"] for message in told].count("once") == 1


def test_those_who_share_a_commit_with_a_full_disk_are_told_as_well(
    app: Flask, ann: Person, dm: str
) -> None:
    with full_disk(app):
        fill(ann, dm)
        before = ann.get(f"/api/messages?directMessageId={dm}&limit=100").json or []
        sends = [gevent.spawn(post, ann, dm, TEXT, clientId=f"c{number}") for number in range(5)]
        statuses = [answer.status_code for answer in (send.get() for send in sends)]
        after = ann.get(f"/api/messages?directMessageId={dm}&limit=100").json or []
    assert set(statuses) <= {201, 503}
    assert 503 in statuses
    assert len(after) - len(before) == statuses.count(201)


def test_what_was_typed_into_a_page_comes_back_with_a_full_disk(
    app: Flask, ann: Person, dm: str
) -> None:
    browser = ann.browser()
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    with full_disk(app):
        fill(ann, dm)
        page = forms.send(browser, f"/conversations/{dm}", content=TEXT)
    assert page.status_code == 503
    assert TEXT.strip() in page.text


def test_an_error_of_ours_stays_one(
    ann: Person, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong() -> None:
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.execute("SELECT nothing FROM nowhere")

    monkeypatch.setattr(log, "head", wrong)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert ann.get("/api/conversations").status_code == 500
