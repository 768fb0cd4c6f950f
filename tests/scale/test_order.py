"""Positions in the order of commits, with many writers: some dawdle, some change their mind."""

from __future__ import annotations

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
from tests.scale.writers import EACH, WRITERS, Reader, write
from tests.support.databases import PostgresDatabases
from tests.support.settings import settings_for

pytestmark = pytest.mark.scale


@pytest.fixture
def app(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Flask]:
    postgres_databases.make(tmp_path)
    app = create_app(settings_for(tmp_path, CHAT_DATABASE_CONNECTIONS="40"))
    # Threads write here, and the follower lives in one alone.
    del app.extensions["chatapp.doorbell"]
    yield app
    with app.app_context():
        db.engine.dispose()


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
