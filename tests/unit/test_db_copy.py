"""Closing SQLite while it is copied, and opening it again; tests/scale/test_moving_up.py copies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask

from chatapp import copy_commands
from chatapp.domain import db_copy, sqlite_writer
from chatapp.domain.errors import Conflict
from tests.support.fake_client import settle

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
