"""Adding people in transactions: what unit tests of writing do and look at."""

from __future__ import annotations

import sqlite3

import gevent
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from chatapp.domain import log, sqlite_writer
from chatapp.domain.errors import DomainError
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Event, Session, User


class Unwanted(Exception):
    """Raised in the middle of a transaction."""


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


def try_to_add(app: Flask, name: str) -> str:
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


def together(app: Flask, people: list[str]) -> list[str]:
    greenlets = [gevent.spawn(try_to_add, app, name) for name in people]
    return [str(greenlet.get(timeout=20)) for greenlet in greenlets]


def count_commits(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    commits: list[object] = []
    commit = sqlite_writer.Batch.commit

    def counted(batch: sqlite_writer.Batch) -> None:
        commits.append(batch)
        commit(batch)

    monkeypatch.setattr(sqlite_writer.Batch, "commit", counted)
    return commits


def _go_wrong(name: str) -> None:
    if name.startswith("!"):
        raise Unwanted
    if name.startswith("?"):
        db.session.execute(text("PRAGMA defer_foreign_keys = ON"))
        db.session.add(Session(user_id="user_none", secret_hash="x"))
        db.session.flush()
