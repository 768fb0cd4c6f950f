"""Closing SQLite while it is copied, and opening it again; tests/scale/test_moving_up.py copies."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from chatapp import copy_commands
from chatapp.domain import (
    accounts,
    db_copy,
    invites,
    resets,
    sessions,
    sqlite_writer,
    tokens,
)
from chatapp.domain.errors import Conflict
from chatapp.extensions import db
from chatapp.models import User
from tests.support.fake_client import settle
from tests.support.team import Team

pytestmark = pytest.mark.sqlite


@pytest.fixture
def other(app: Flask, data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Another process on the same file."""
    with closing(sqlite3.connect(data_dir / "chat.db", isolation_level=None)) as connection:
        yield connection


def is_closed(other: sqlite3.Connection) -> bool:
    found = other.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'closed'")
    return bool(found.fetchone()[0])


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["db-copy", *arguments])
    return result.exit_code, result.stderr


def close(app: Flask) -> tuple[int, str]:
    with app.app_context():
        db_copy.close()
    return 0, ""


def reopen(app: Flask) -> tuple[int, str]:
    return run(app, "--reopen")


def test_both_wait_for_whoever_writes(app: Flask, other: sqlite3.Connection) -> None:
    for change, outcome in ((close, True), (reopen, False)):
        other.execute("BEGIN IMMEDIATE")
        waiting = gevent.spawn(change, app)
        settle()
        assert is_closed(other) is not outcome
        other.execute("COMMIT")
        assert waiting.get() == (0, "")
        assert is_closed(other) is outcome


def promises(team: Team) -> list[Callable[[], Any]]:
    """Return what tells somebody that it was kept, and what the log does not tell of."""
    root, ann = team.person("root", admin=True), team.person("ann")
    me = root.identity
    invites.create(me)
    [invite] = invites.listing(me)
    return [
        lambda: accounts.set_password(ann.id, None, "another"),
        lambda: tokens.create(me, "ann"),
        lambda: invites.create(me),
        lambda: invites.revoke(me, invite.id),
        lambda: resets.create(me, ann.id),
    ]


def test_nothing_is_taken_of_which_somebody_would_be_told_that_it_was_kept(
    app: Flask, team: Team
) -> None:
    bob = team.person("bob")
    with app.app_context():
        verbs = promises(team)
        db_copy.close()
        for verb in verbs:
            with pytest.raises((DBAPIError, sqlite3.Error), match=db_copy.CLOSED):
                verb()
        # Who only wants to read may come in.
        assert sessions.start(db.session.get_one(User, bob.id))
        db_copy.reopen()
        for verb in verbs:
            verb()


def test_a_lock_that_stays_is_one_line(
    app: Flask, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "PATIENCE", 0)
    other.execute("BEGIN IMMEDIATE")
    code, said = run(app, "--reopen")
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("Error: The database file is in use")


def test_a_chat_that_stays_closed_is_said_beside_what_failed(
    app: Flask, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        assert is_closed(other)
        other.execute("BEGIN IMMEDIATE")
        raise Conflict("The other one is full.")

    monkeypatch.setattr(sqlite_writer, "PATIENCE", 0)
    monkeypatch.setattr(copy_commands, "_target", lambda _url: None)
    monkeypatch.setattr(db_copy, "copy", fail)
    code, said = run(app, "--close", "postgresql://localhost/chat")
    assert code == 1
    assert "`flask db-copy --reopen`" in said.splitlines()[0]
    assert said.splitlines()[1:] == ["Error: The other one is full."]
    other.execute("COMMIT")
    assert is_closed(other)
