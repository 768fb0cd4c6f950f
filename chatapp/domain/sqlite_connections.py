"""Two connections to a SQLite file that a process keeps: one that reads, one that writes.

Everything in a process runs in one thread, and a statement of SQLite's never lets another
greenlet run, so one connection of each kind serves all. Taking one from the pool, beginning a
transaction and rolling it back for a single SELECT costs five times what the SELECT does.

SQLAlchemy is told of one transaction that lasts as long as the connection; what begins and
commits on SQLite's side is the caller's business, through the driver.
"""

from __future__ import annotations

import sqlite3
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

_readers: WeakKeyDictionary[Engine, Connection] = WeakKeyDictionary()
_writers: WeakKeyDictionary[Engine, Connection] = WeakKeyDictionary()


def reader(engine: Engine) -> Connection:
    """Return the connection for SELECTs that stand alone: each sees what is committed by then."""
    return _readers.get(engine) or _open(_readers, engine)


def writer(engine: Engine) -> Connection:
    """Return the connection of chatapp.domain.sqlite_writer."""
    return _writers.get(engine) or _open(_writers, engine)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection beneath."""
    driver: Any = connection.connection.dbapi_connection
    return driver  # type: ignore[no-any-return]


def discard(engine: Engine) -> None:
    """Close both, as after a failed commit; the next use opens new ones."""
    for kept in (_readers, _writers):
        connection = kept.pop(engine, None)
        if connection is not None:
            # Detached from the pool, so that nobody else closes it: the failed transaction would
            # stay open and lock everybody out.
            driver_of(connection).close()
            connection.invalidate()
            connection.close()


def _open(kept: WeakKeyDictionary[Engine, Connection], engine: Engine) -> Connection:
    connection = kept[engine] = engine.connect()
    connection.detach()  # it does not count among the pool's
    connection.begin()
    driver_of(connection).rollback()
    return connection
