"""SQLite's commits wait for the disk: in a thread unless it is quick, and nobody waits along."""

from __future__ import annotations

import sqlite3
import time

import gevent
import gevent.event
import pytest
from flask import Flask
from sqlalchemy import text

from chatapp.domain import sqlite_writer
from chatapp.domain.sqlite_connections import reader, writer
from chatapp.domain.transaction import transaction
from chatapp.extensions import db

pytestmark = pytest.mark.sqlite

#: Sixteen megabytes, which take SQLite a while to write and to sync.
MUCH = (
    "CREATE TABLE much AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16) SELECT randomblob(1000000) FROM n"
)


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
