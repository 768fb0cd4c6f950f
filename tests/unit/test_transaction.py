"""The one way to write, and the log that is written with it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import gevent.event
import pytest
from flask import Flask
from gevent.monkey import get_original
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from chatapp.domain import log, sqlite_writer
from chatapp.domain.errors import DomainError
from chatapp.domain.sqlite_connections import reader, writer
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Event, Session, User

get_native_id = get_original("threading", "get_native_id")
#: Sixteen megabytes, which take SQLite a while to write and to sync.
MUCH = (
    "CREATE TABLE much AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16) SELECT randomblob(1000000) FROM n"
)


class Unwanted(Exception):
    """Raised in the middle of a transaction."""


@pytest.fixture
def rings(app: Flask) -> list[int]:
    """Where the log stood each time that the doorbell rang."""
    heard: list[int] = []

    def ring(*_position: int) -> None:
        with app.app_context():
            heard.append(log.head().position)

    app.extensions["chatapp.doorbell"] = ring
    return heard


def add(name: str) -> int:
    db.session.add(User(name=name, display_name=name))
    db.session.flush()
    return log.append("user:updated", log.TEAM, subject_id=name)


def names(app: Flask) -> set[str]:
    with app.app_context():
        return set(db.session.scalars(select(User.name)))


def positions(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(Event.position).order_by(Event.position)))


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
    assert _add(app, "!ann") == "Unwanted"
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


@pytest.mark.sqlite
@pytest.mark.parametrize("people", [["ann"], ["ann", "bob"]])
def test_who_reads_the_log_goes_first_and_the_answer_second(app: Flask, people: list[str]) -> None:
    rung, happened = gevent.event.Event(), []
    app.extensions["chatapp.doorbell"] = lambda *_: rung.set()

    def follow() -> None:
        rung.wait()
        happened.append("delivered")

    def answer(name: str) -> None:
        happened.append(_add(app, name))

    following = gevent.spawn(follow)
    for writing in [gevent.spawn(answer, name) for name in people]:
        writing.get(timeout=20)
    following.get(timeout=20)
    assert happened[0] == "delivered"
    assert sorted(happened[1:]) == people


@pytest.mark.sqlite
def test_of_several_in_one_batch_the_failing_ones_undo_themselves_alone(
    app: Flask, rings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = _count_commits(monkeypatch)
    outcomes = _together(app, ["ann", "!bob", "cat", "!dan", "eve"])
    assert outcomes == ["ann", "Unwanted", "cat", "Unwanted", "eve"]
    assert names(app) == {"ann", "cat", "eve"}
    assert positions(app) == [1, 2, 3]
    # The premise: they did share one commit. The bell rang once for all, after it.
    assert len(commits) == 1
    assert rings == [3]


@pytest.mark.sqlite
def test_nobody_in_a_batch_is_acknowledged_if_its_commit_fails(
    app: Flask, rings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = _count_commits(monkeypatch)
    assert _together(app, ["ann", "?bob"]) == ["IntegrityError", "IntegrityError"]
    assert len(commits) == 1
    assert names(app) == set()
    assert rings == []
    assert _together(app, ["cat"]) == ["cat"]
    assert names(app) == {"cat"}
    assert positions(app) == [1]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("quick", "people", "threads"),
    [
        pytest.param(float("inf"), ["zoe"], 0, id="a lone writer on a quick disk: no thread"),
        pytest.param(float("inf"), ["yan", "zoe"], 1, id="neighbours: in a thread"),
        pytest.param(0.0, ["zoe"], 1, id="a slow disk: in a thread"),
    ],
)
def test_only_a_lone_writer_on_a_quick_disk_is_synced_on_the_event_loop(
    app: Flask, monkeypatch: pytest.MonkeyPatch, quick: float, people: list[str], threads: int
) -> None:
    monkeypatch.setattr(sqlite_writer, "QUICK_SYNC", quick)
    for number in range(sqlite_writer.QUICK_SYNCS):
        _add(app, f"ann{number}")
    with app.app_context():
        driver = writer(db.engine).driver
    committed_by: list[int] = []
    driver.set_trace_callback(
        lambda sql: committed_by.append(get_native_id()) if sql == "COMMIT" else None
    )
    assert _together(app, people) == people
    assert len([thread for thread in committed_by if thread != get_native_id()]) == threads
    assert len(committed_by) == 1


@pytest.mark.sqlite
def test_one_slow_sync_sends_the_next_ones_back_to_the_thread() -> None:
    disk = sqlite_writer.Disk()
    for _ in range(sqlite_writer.QUICK_SYNCS):
        assert not disk.is_quick
        disk.time(lambda: None)
    assert disk.is_quick
    with pytest.raises(sqlite3.OperationalError):
        disk.time(_failing_slowly)
    assert not disk.is_quick


def _failing_slowly() -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < sqlite_writer.QUICK_SYNC:
        pass
    raise sqlite3.OperationalError


@pytest.mark.sqlite
def test_nobody_reads_from_a_connection_whose_commit_is_on_its_way(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_disk", sqlite_writer.Disk())  # not known to be quick
    begun = gevent.event.Event()

    def write_much() -> None:
        with app.app_context(), transaction():
            db.session.execute(text(MUCH))
            begun.set()

    writing = gevent.spawn(write_much)
    with app.app_context():
        begun.wait()
        reads_from_it = set()
        while db.engine in sqlite_writer._batches:
            reads_from_it.add(reader(db.engine) is writer(db.engine))
            gevent.sleep(0)
        assert reads_from_it == {False}
        assert reader(db.engine) is writer(db.engine)
    writing.get()


UNDOES_ALL = (
    "CREATE TRIGGER full BEFORE INSERT ON users WHEN new.name = 'zoe' "
    "BEGIN SELECT RAISE(ROLLBACK, 'as a full disk would'); END"
)


@pytest.mark.sqlite
@pytest.mark.parametrize("people", [["zoe"], ["ann", "zoe"], ["ann", "zoe", "bob"]])
def test_nobody_is_acknowledged_where_sqlite_undoes_all(app: Flask, people: list[str]) -> None:
    with app.app_context():
        writer(db.engine).driver.execute(UNDOES_ALL)
    with gevent.Timeout(60):
        outcomes = _together(app, people)
    assert set(outcomes) & set(people) == set()
    assert names(app) == set()
    assert _together(app, ["dan"]) == ["dan"]
    assert names(app) == {"dan"}


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
        assert _add(app, "ann") == "Busy"
    writer = gevent.spawn(_add, app, "ann")
    gevent.sleep(0)
    assert not writer.dead
    other.close()
    assert writer.get(timeout=20) == "ann"
    assert names(app) == {"ann"}


def _count_commits(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    commits: list[object] = []
    commit = sqlite_writer.Batch.commit

    def counted(batch: sqlite_writer.Batch) -> None:
        commits.append(batch)
        commit(batch)

    monkeypatch.setattr(sqlite_writer.Batch, "commit", counted)
    return commits


def _together(app: Flask, people: list[str]) -> list[str]:
    added = [gevent.spawn(_add, app, name) for name in people]
    return [str(each.get(timeout=20)) for each in added]


def _add(app: Flask, name: str) -> str:
    """Add somebody, and return the name or which error came.

    With ``!`` before it the body fails at its end; with ``?`` it does what only the commit finds.
    """
    try:
        with app.app_context(), transaction():
            add(name.lstrip("!?"))
            _go_wrong(name)
    except (Unwanted, sqlite3.Error, DBAPIError, DomainError) as error:
        return type(error).__name__
    return name


def _go_wrong(name: str) -> None:
    if name.startswith("!"):
        raise Unwanted
    if name.startswith("?"):
        db.session.execute(text("PRAGMA defer_foreign_keys = ON"))
        db.session.add(Session(user_id="user_none", secret_hash="x"))
        db.session.flush()
