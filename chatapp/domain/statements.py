"""Running prepared statements: how the hot paths reach the database.

``db.session`` is for everything else. It maps rows to objects and keeps track of them, which for
a single row takes five times as long as reading it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.orm import scoped_session

from chatapp.domain import sqlite_connections
from chatapp.extensions import db
from chatapp.models.base import writing_connection


def execute(statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """Run a statement and return its rows, none where it has no rows to return.

    In a transaction it is a part of that; outside of one it must be a SELECT, which on SQLite
    sees what is committed at that moment.
    """
    result = _connection().execute(statement, dict(parameters or {}))
    return result.all() if result.returns_rows else ()  # type: ignore[attr-defined]


def _connection() -> Connection | scoped_session[Any]:
    writer = writing_connection.get()
    if writer is not None:
        return writer
    engine = db.engine
    return sqlite_connections.reader(engine) if engine.dialect.name == "sqlite" else db.session
