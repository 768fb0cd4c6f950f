"""Running prepared statements: how the hot paths reach the database.

A statement is made once, at import, and its values are given each time it runs. ``db.session`` is
for everything else: it maps rows to objects and keeps track of them, which for a single row takes
many times as long as reading it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from chatapp.domain import postgresql, sqlite_connections
from chatapp.domain.compiled_statement import Statement
from chatapp.domain.sqlite_statements import prepared
from chatapp.extensions import db
from chatapp.models.base import writing_connection

_read_only = select(func.current_setting("transaction_read_only"))


def execute(statement: Statement, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """Run a statement and return its rows as tuples, none where it has no rows to return.

    In a transaction it is a part of that; outside of one it must be a SELECT, which sees
    what is committed at that moment.
    """
    given = parameters or {}
    kept = sqlite_connections.writing.get()
    if kept is None:
        writer = writing_connection.get()
        if writer is not None:
            return _by_sqlalchemy(writer, statement, given)
        engine = db.engine
        if engine.dialect.name != "sqlite":
            return postgresql.read(engine, db.session, statement, given)
        kept = sqlite_connections.reader(engine)
    return prepared(statement).run(kept.driver, given)


def keep_connection() -> None:
    """Let all that is read until the session is closed share one turn at PostgreSQL's pool."""
    if db.engine.dialect.name != "sqlite":
        db.session.connection()


def takes_writes() -> bool:
    """Whether the database may be written to: a standby, or a primary that was demoted, may not."""
    return db.engine.dialect.name == "sqlite" or execute(_read_only)[0][0] == "off"


def _by_sqlalchemy(
    connection: Connection, statement: Statement, parameters: Mapping[str, Any]
) -> Sequence[Any]:
    result = connection.execute(statement, dict(parameters))
    return result.all() if result.returns_rows else ()
