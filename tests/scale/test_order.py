"""Positions in the order of commits, with many writers: some dawdle, some change their mind."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from chatapp import create_app
from chatapp.domain import log
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from tests.support.databases import PostgresDatabases
from tests.support.settings import settings_for

pytestmark = pytest.mark.scale

WRITERS = 16
EACH = 40


class RolledBack(Exception):
    """A writer changed its mind."""


@pytest.fixture
def app(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Flask]:
    postgres_databases.make(tmp_path)
    app = create_app(settings_for(tmp_path, CHAT_DATABASE_CONNECTIONS="40"))
    # Threads write here, and the follower lives in one alone.
    del app.extensions["chatapp.doorbell"]
    yield app
    with app.app_context():
        db.engine.dispose()


class Reader(threading.Thread):
    """Reads the log by position, as a follower does."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app
        self.finish = threading.Event()
        self.seen: list[str | None] = []
        self.positions: list[int] = []

    def run(self) -> None:
        last_round = False
        while not last_round:
            last_round = self.finish.is_set()
            with self._app.app_context():
                rows = log.after(self.positions[-1] if self.positions else 0, 10_000)
            self.seen += [row.subject_id for row in rows]
            self.positions += [row.position for row in rows]


def write(app: Flask, writer: int) -> list[str]:
    """Append EACH times; return what was committed."""
    dice = random.Random(writer)
    committed = []
    for number in range(EACH):
        name = f"{writer}-{number}"
        try:
            with app.app_context(), transaction():
                _maybe_dawdle(dice)
                log.append("message:created", "dm:x", subject_id=name)
                _maybe_dawdle(dice)
                _maybe_change_mind(dice)
            committed.append(name)
        except RolledBack:
            pass
    return committed


def _maybe_change_mind(dice: random.Random) -> None:
    if dice.random() < 0.2:
        raise RolledBack


def _maybe_dawdle(dice: random.Random) -> None:
    if dice.random() < 0.2:
        db.session.execute(text("SELECT pg_sleep(:for)"), {"for": dice.random() * 0.01})


def storm(app: Flask) -> tuple[Reader, list[str]]:
    """Write and read at once; return the reader and what was committed."""
    reader = Reader(app)
    reader.start()
    with ThreadPoolExecutor(WRITERS) as pool:
        done = [pool.submit(write, app, writer) for writer in range(WRITERS)]
        committed = [name for future in done for name in future.result()]
    reader.finish.set()
    reader.join()
    return reader, committed


def test_a_reader_by_position_sees_every_commit_in_order_without_a_hole(app: Flask) -> None:
    reader, committed = storm(app)
    assert len(committed) > WRITERS * EACH / 2
    assert sorted(filter(None, reader.seen)) == sorted(committed)
    assert reader.positions == list(range(1, len(committed) + 1))


def test_an_ordinary_sequence_would_let_it_skip_events(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The premise: with the usual kind of id, the same storm loses events."""
    with app.app_context(), transaction():
        db.session.execute(text("CREATE SEQUENCE positions"))
    usual = text(
        "INSERT INTO events (position, channel, type, subject_id, created_at)"
        " VALUES (nextval('positions'), :channel, :type, :subject_id, now()) RETURNING position"
    )
    monkeypatch.setattr(log, "_append_at_once", usual)
    reader, committed = storm(app)
    assert set(filter(None, reader.seen)) < set(committed)
