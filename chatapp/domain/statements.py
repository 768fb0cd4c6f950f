"""Running prepared statements: how the hot paths reach the database.

A statement is made once, at import, and its values are given each time it runs. ``db.session`` is
for everything else: it maps rows to objects and keeps track of them, which for a single row takes
many times as long as reading it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from chatapp.domain import postgresql, sqlite_connections
from chatapp.domain.compiled_statement import Statement
from chatapp.domain.sqlite_connections import driver_of
from chatapp.domain.sqlite_statements import prepared
from chatapp.extensions import db
from chatapp.models.base import writing_connection


def execute(statement: Statement, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """Run a statement and return its rows as tuples, none where it has no rows to return.

    In a transaction it is a part of that; outside of one it must be a SELECT, which sees
    what is committed at that moment.
    """
    given = parameters or {}
    writer = writing_connection.get()
    if writer is not None:
        return _rows(writer, statement, given)
    engine = db.engine
    if engine.dialect.name == "sqlite":
        return _rows(sqlite_connections.reader(engine), statement, given)
    return postgresql.read(engine, statement, given)


def _rows(
    connection: Connection, statement: Statement, parameters: Mapping[str, Any]
) -> Sequence[Any]:
    if connection.dialect.name == "sqlite":
        ready = prepared(statement)
        if not ready.expands:
            return ready.run(driver_of(connection), parameters)
    result = connection.execute(statement, dict(parameters))
    return result.all() if result.returns_rows else ()
