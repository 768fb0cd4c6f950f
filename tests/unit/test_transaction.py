"""The one way to write, and the log that is written with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import gevent
import gevent.event
import pytest
from flask import Flask

from chatapp.domain import log, sqlite_writer
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User
from tests.support.adding import (
    add,
    names,
    positions,
    try_to_add,
)


def test_rows_and_log_are_committed_together_and_then_the_bell_rings(
    app: Flask, rings: list[int]
) -> None:
    with app.app_context():
        before = log.head().position
        with transaction():
            position = add("ann")
            assert rings == []
    assert position == before + 1
    assert names(app) == {"ann"}
    assert rings == [position]


def test_a_failure_undoes_both_and_rings_nothing(app: Flask, rings: list[int]) -> None:
    assert try_to_add(app, "!ann") == "Unwanted"
    with app.app_context(), transaction():
        position = add("bob")
    assert names(app) == {"bob"}
    # Positions have no gap: what was undone gave its own back.
    assert positions(app) == [position] == [1]
    assert rings == [1]


def test_without_an_event_the_bell_is_silent(app: Flask, rings: list[int]) -> None:
    with app.app_context(), transaction():
        db.session.add(User(name="ann", display_name="Ann"))
    assert names(app) == {"ann"}
    assert rings == []


def test_transactions_do_not_nest(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(RuntimeError, match="nest"), transaction(), transaction():
            pass
        with transaction():
            add("ann")
    assert names(app) == {"ann"}


def test_the_log_is_appended_to_inside_a_transaction_alone(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match="transaction"):
        log.append("user:updated", log.TEAM)
    assert positions(app) == []


@pytest.mark.sqlite
def test_another_process_that_writes_is_waited_for_and_then_named(
    app: Flask, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(data_dir / "chat.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as impatient:
        impatient.setattr(sqlite_writer, "PATIENCE", 0.0)
        assert try_to_add(app, "ann") == "Busy"
    writer = gevent.spawn(try_to_add, app, "ann")
    gevent.sleep(0)
    assert not writer.dead
    other.close()
    assert writer.get(timeout=20) == "ann"
    assert names(app) == {"ann"}
