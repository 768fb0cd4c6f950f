"""Counting the SQL that something runs: as SQLite sees it, or as PostgreSQL is sent it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from flask import Flask
from sqlalchemy import Engine, event

from chatapp.domain import postgresql, sqlite_connections
from chatapp.extensions import db


@contextmanager
def recorded(app: Flask) -> Iterator[list[str]]:
    """Give a list that fills with every statement run on any connection of the app's."""
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "postgresql":
        with _sent(engine, statements):
            yield statements
        return
    sqlite_connections.discard(engine)
    engine.dispose()

    def trace(connection: object, *_: object) -> None:
        connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]

    event.listen(engine, "connect", trace)
    try:
        yield statements
    finally:
        event.remove(engine, "connect", trace)
        sqlite_connections.discard(engine)
        engine.dispose()


@contextmanager
def _sent(engine: Engine, statements: list[str]) -> Iterator[None]:
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    def run(self: postgresql.Prepared, *arguments: Any) -> list[Any]:
        statements.append(self.sql)
        return usual(self, *arguments)

    usual = postgresql.Prepared.run
    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(postgresql.Prepared, "run", run):
            yield
    finally:
        event.remove(engine, "before_cursor_execute", note)


def selects(statements: list[str]) -> list[str]:
    """Return those that read."""
    return [statement for statement in statements if statement.startswith("SELECT")]
