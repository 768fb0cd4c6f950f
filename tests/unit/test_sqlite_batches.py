"""On SQLite, transactions that arrive together share one commit, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import gevent
import gevent.event
import pytest
from flask import Flask
from gevent.monkey import get_original

from chatapp.domain import log, sqlite_writer
from chatapp.domain.sqlite_connections import writer, writing
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models.base import writing_connection
from tests.support.adding import (
    Unwanted,
    count_commits,
    names,
    positions,
    together,
    try_to_add,
)
from tests.support.wait import until

pytestmark = pytest.mark.sqlite

get_native_id = get_original("threading", "get_native_id")


@pytest.mark.parametrize("people", [["ann"], ["ann", "bob"]])
def test_who_reads_the_log_goes_first_and_the_answer_second(app: Flask, people: list[str]) -> None:
    rung, happened = gevent.event.Event(), []
    app.extensions["chatapp.doorbell"] = lambda *_: rung.set()

    def follow() -> None:
        rung.wait()
        happened.append("delivered")

    def answer(name: str) -> None:
        happened.append(try_to_add(app, name))

    following = gevent.spawn(follow)
    for answering in [gevent.spawn(answer, name) for name in people]:
        answering.get(timeout=20)
    following.get(timeout=20)
    assert happened[0] == "delivered"
    assert sorted(happened[1:]) == people


def test_of_several_in_one_batch_the_failing_ones_undo_themselves_alone(
    app: Flask, rings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = count_commits(monkeypatch)
    outcomes = together(app, ["ann", "!bob", "cat", "!dan", "eve"])
    assert outcomes == ["ann", "Unwanted", "cat", "Unwanted", "eve"]
    assert names(app) == {"ann", "cat", "eve"}
    assert positions(app) == [1, 2, 3]
    # The premise: they did share one commit. The bell rang once for all, after it.
    assert len(commits) == 1
    assert rings == [3]


def test_so_do_they_where_no_session_takes_part(app: Flask) -> None:
    def append(*, fails: bool) -> None:
        with app.app_context(), suppress(Unwanted), transaction():
            log.append("user:updated", log.TEAM)
            if fails:
                raise Unwanted

    for appending in [gevent.spawn(append, fails=fails) for fails in (False, True) * 2]:
        appending.get(timeout=20)
    assert positions(app) == [1, 2]


def test_who_comes_while_a_batch_is_committed_is_in_the_next_one(
    app: Flask, rings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = count_commits(monkeypatch)
    begun, go_on = threading.Event(), threading.Event()

    def time(_disk: sqlite_writer.Disk, commit: Callable[[], None]) -> None:
        begun.set()
        go_on.wait(20)
        commit()

    monkeypatch.setattr(sqlite_writer, "_disk", sqlite_writer.Disk())
    monkeypatch.setattr(sqlite_writer.Disk, "time", time)
    first = gevent.spawn(try_to_add, app, "ann")
    until(begun.is_set, "the first commit")
    second = gevent.spawn(try_to_add, app, "bob")
    gevent.idle()
    go_on.set()
    assert [each.get(timeout=20) for each in (first, second)] == ["ann", "bob"]
    assert len(commits) == 2
    assert names(app) == {"ann", "bob"}
    assert rings == [1, 2]


@pytest.mark.parametrize("name", ["ann", "!ann"])
def test_what_is_read_after_a_transaction_is_no_part_of_it(app: Flask, name: str) -> None:
    try_to_add(app, name)
    assert (writing.get(), writing_connection.get()) == (None, None)


def test_nobody_in_a_batch_is_acknowledged_if_its_commit_fails(
    app: Flask, rings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = count_commits(monkeypatch)
    assert together(app, ["ann", "?bob"]) == ["IntegrityError", "IntegrityError"]
    assert len(commits) == 1
    assert names(app) == set()
    assert rings == []
    assert together(app, ["cat"]) == ["cat"]
    assert names(app) == {"cat"}
    assert positions(app) == [1]


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
        try_to_add(app, f"ann{number}")
    with app.app_context():
        driver = writer(db.engine).driver
    committed_by: list[int] = []
    driver.set_trace_callback(
        lambda sql: committed_by.append(get_native_id()) if sql == "COMMIT" else None
    )
    assert together(app, people) == people
    assert len([thread for thread in committed_by if thread != get_native_id()]) == threads
    assert len(committed_by) == 1


UNDOES_ALL = (
    "CREATE TRIGGER full BEFORE INSERT ON users WHEN new.name = 'zoe' "
    "BEGIN SELECT RAISE(ROLLBACK, 'as a full disk would'); END"
)


@pytest.mark.parametrize("people", [["zoe"], ["ann", "zoe"], ["ann", "zoe", "bob"]])
def test_nobody_is_acknowledged_where_sqlite_undoes_all(app: Flask, people: list[str]) -> None:
    with app.app_context():
        writer(db.engine).driver.execute(UNDOES_ALL)
    with gevent.Timeout(60):
        outcomes = together(app, people)
    assert set(outcomes) & set(people) == set()
    assert names(app) == set()
    assert together(app, ["dan"]) == ["dan"]
    assert names(app) == {"dan"}
