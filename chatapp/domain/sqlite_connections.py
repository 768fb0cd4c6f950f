"""Two connections to a SQLite file that a process keeps: one that reads, one that writes.

Every statement in a process runs in one thread and never lets another greenlet run, so one
connection of each kind serves all. Commits alone run in another thread: meanwhile nobody may use
the connection, or the whole loop would wait for its lock. Taking one from the pool, beginning a
transaction and rolling it back for a single SELECT costs five times what the SELECT does.

SQLAlchemy is told of one transaction that lasts as long as the connection; what begins and
commits on SQLite's side is the caller's business, through the driver.
"""

from __future__ import annotations

import sqlite3
from contextvars import ContextVar
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, Engine, event


class Kept(NamedTuple):
    """A connection: SQLAlchemy's, and the driver's beneath."""

    connection: Connection
    driver: sqlite3.Connection


_readers: WeakKeyDictionary[Engine, Kept] = WeakKeyDictionary()
_writers: WeakKeyDictionary[Engine, Kept] = WeakKeyDictionary()

#: Whose writer has begun a transaction, or is committing it.
_busy: WeakSet[Engine] = WeakSet()

#: The one that the running transaction writes to, if one is running on SQLite.
writing: ContextVar[Kept | None] = ContextVar("sqlite_writing", default=None)


def reader(engine: Engine) -> Kept:
    """Return the connection for SELECTs that stand alone: each sees what is committed by then.

    While nobody writes that is the writer's: its cache knows what it has written, and another
    connection's would be read anew from the file after every commit. SQLite's own word for it is
    of no use: in a commit it says that there is no transaction before it begins to sync.
    """
    kept = _writers.get(engine)
    if kept is not None and engine not in _busy:
        return kept
    return _readers.get(engine) or _open(_readers, engine)


def writer(engine: Engine) -> Kept:
    """Return the connection of chatapp.domain.sqlite_writer."""
    return _writers.get(engine) or _open(_writers, engine)


def lend_writer(engine: Engine) -> None:
    """Let nobody read from the writer's connection until :func:`give_back_writer`."""
    _busy.add(engine)


def give_back_writer(engine: Engine) -> None:
    """Let the writer's connection be read from again."""
    _busy.discard(engine)


def discard(engine: Engine) -> None:
    """Close both, as after a failed commit, or with the engine; the next use opens new ones."""
    for kept in (_readers, _writers):
        connection, driver = kept.pop(engine, (None, None))
        if connection is not None and driver is not None:
            # Detached from the pool, so that nobody else closes it: the failed transaction would
            # stay open and lock everybody out.
            driver.close()
            connection.invalidate()
            connection.close()


def _open(kept: WeakKeyDictionary[Engine, Kept], engine: Engine) -> Kept:
    if not event.contains(engine, "engine_disposed", discard):
        event.listen(engine, "engine_disposed", discard)
    connection = engine.connect()
    connection.detach()  # it does not count among the pool's
    connection.begin()
    driver: Any = connection.connection.dbapi_connection
    driver.rollback()
    kept[engine] = Kept(connection, driver)
    return kept[engine]
