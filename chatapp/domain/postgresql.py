"""Reading from and writing to PostgreSQL.

A statement that reads stands alone, without BEGIN and ROLLBACK around it: one round trip instead
of three, and its connection is free for the next greenlet at once. It is compiled once and run by
the driver: that takes a third of the CPU that SQLAlchemy's connection takes for it.

Nobody holds two connections: where the session has one, everything else is read on that. Else as
many requests as the pool has connections could each hold one and wait for another.

A transaction has a connection to itself until its commit; who appended to the log then holds the
counter row, so that commits become visible in the order of their positions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql.psycopg import dialect as PsycopgDialect  # noqa: N812 (a class)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import scoped_session
from sqlalchemy.pool import PoolProxiedConnection

from chatapp.domain.compiled_statement import CompiledStatement, Statement
from chatapp.models.base import writing_connection

_dialect = PsycopgDialect()  # type: ignore[no-untyped-call]
#: Where SQLAlchemy's text has a list, by its name.
_LIST = re.compile(r"IN \(__\[POSTCOMPILE_(\w+)\]\)")


class Prepared(CompiledStatement):
    """A statement as psycopg runs it."""

    def __init__(self, statement: Statement) -> None:
        super().__init__(statement, _dialect)
        # psycopg gives a list as one array.
        self.text = _LIST.sub(r"= ANY(%(\1)s)", self.sql).encode()

    def run(self, driver: psycopg.Connection[Any], parameters: Mapping[str, Any]) -> list[Any]:
        """Run it and return its rows."""
        given = self._given(parameters)
        try:
            found = driver.execute(self.text, given)
        except psycopg.errors.FeatureNotSupported:
            # It was prepared here before a newer chatapp, which is started beside us, changed one
            # of its columns. A SELECT that stands alone may simply be prepared and run anew.
            driver.execute("DEALLOCATE ALL")
            found = driver.execute(self.text, given)
        return self._converted(found.fetchall())


@lru_cache(maxsize=256)
def prepared(statement: Statement) -> Prepared:
    """Return ``statement`` compiled, once for all."""
    return Prepared(statement)


def read(
    engine: Engine,
    session: scoped_session[Any],
    statement: Statement,
    parameters: Mapping[str, Any],
) -> Sequence[Any]:
    """Run a SELECT that stands alone and return its rows."""
    ready = prepared(statement)
    kept = _kept(session)
    try:
        with _beneath(kept) if kept is not None else _lent(engine) as driver:
            return ready.run(driver, parameters)
    except psycopg.Error as error:
        raise DBAPIError.instance(ready.sql, None, error, psycopg.Error) from error


def _kept(session: scoped_session[Any]) -> Connection | None:
    """Return the connection that ``session`` reads with until it is closed, if it has one yet."""
    if session.registry.has() and session().in_transaction():
        return session.connection()
    return None


@contextmanager
def _beneath(kept: Connection) -> Iterator[psycopg.Connection[Any]]:
    """Yield the driver's connection beneath SQLAlchemy's; a failed one is used no more."""
    try:
        yield _driver_of(kept.connection)
    except BaseException:
        kept.invalidate()
        raise


@contextmanager
def _lent(engine: Engine) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection of the pool that begins no transaction; a failed one does not go back."""
    lent = engine.raw_connection()
    try:
        _driver_of(lent).autocommit = True
        yield _driver_of(lent)
        _driver_of(lent).autocommit = False
    except BaseException:
        lent.invalidate()
        raise
    finally:
        lent.close()


def _driver_of(lent: PoolProxiedConnection) -> psycopg.Connection[Any]:
    driver: Any = lent.dbapi_connection
    return driver  # type: ignore[no-any-return]


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
