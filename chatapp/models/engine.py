"""How each engine is set up: what DESIGN section 4 asks of SQLite, and of PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

#: Run on every new SQLite connection. No busy_timeout: waiting inside SQLite freezes every
#: greenlet of the worker (5 s in a trial), so the writer retries cooperatively instead.
SQLITE_PRAGMAS = (
    "PRAGMA busy_timeout = 0",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16000",
)


def engine_options(database_url: str) -> dict[str, Any]:
    """Return the keyword arguments of ``create_engine`` for this URL."""
    if database_url.startswith("sqlite"):
        # Greenlets share the one thread; a connection is handed from one to the next.
        return {"connect_args": {"check_same_thread": False}, "pool_size": 5, "max_overflow": 50}
    return {"pool_size": 10, "max_overflow": 10, "pool_timeout": 5, "pool_pre_ping": True}


def prepare(engine: Engine) -> None:
    """Listen for new connections and transactions of ``engine``, where it is SQLite's."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)


def _set_pragmas(connection: Any, _record: object) -> None:
    # Python's sqlite3 must not open transactions by itself: _begin does.
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("begin_immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
