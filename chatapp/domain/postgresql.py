"""Reading from and writing to PostgreSQL.

A statement that reads stands alone, without BEGIN and ROLLBACK around it: one round trip instead
of three, and its connection is free for the next greenlet at once. A transaction has a connection
to itself until its commit; who appended to the log then holds the counter row, so that commits
become visible in the order of their positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Executable
from sqlalchemy.orm import scoped_session

from chatapp.models.base import writing_connection
from chatapp.models.engine import reading


def read(engine: Engine, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Run a SELECT that stands alone and return its rows."""
    with reading(engine).connect() as connection:
        return connection.execute(statement, dict(parameters)).all()


@contextmanager
def own_transaction(engine: Engine, session: scoped_session[Any]) -> Iterator[None]:
    """Run the body in a transaction, committed on leaving; ``session`` takes part if it is used."""
    with engine.begin() as connection:
        token = writing_connection.set(connection)
        try:
            yield
            if session.registry.has():
                session.commit()
        finally:
            if session.registry.has():
                session.close()
            writing_connection.reset(token)
