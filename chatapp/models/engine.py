"""How each engine is set up: what DESIGN section 4 asks of SQLite, and of PostgreSQL."""

from __future__ import annotations

from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, Engine, ExceptionContext, event, make_url
from sqlalchemy.exc import DisconnectionError

#: Run on every new SQLite connection. No busy_timeout: waiting inside SQLite freezes every
#: greenlet of the worker (5 s in a trial), so the writer retries cooperatively instead.
SQLITE_PRAGMAS = (
    "PRAGMA busy_timeout = 0",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16000",
)

#: PostgreSQL's own limits, in milliseconds. The last is the important one: whoever appends holds
#: the log's counter row until the commit, and a frozen process must not hold it for everybody.
POSTGRESQL_LIMITS = {
    "statement_timeout": 15_000,
    "lock_timeout": 8_000,
    "idle_in_transaction_session_timeout": 8_000,
}
#: What else our sessions rely on, whatever the server, the database or the role is set to. With
#: stricter isolation two that append at once would fail one of them; and psycopg reads no other
#: kind of dates.
POSTGRESQL_MANNERS = {
    "default_transaction_isolation": r"read\ committed",
    "datestyle": "ISO",
}
#: libpq's: a machine that vanished is noticed by these, in seconds and (the last) milliseconds.
POSTGRESQL_NETWORK = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: Seconds after which a server that says nothing at all is given up. When it is alive it says
#: something before, by its own limits. One that is frozen does not, and TCP sees no fault in it, as
#: the system answers for it.
ANSWER_TIMEOUT = 18
#: Which of several servers is meant: not a standby, nor a primary that was demoted. An address may
#: say otherwise.
POSTGRESQL_ROLE = {"target_session_attrs": "read-write"}
#: Returns the number of the server's process. Where commits are to be acknowledged before they are
#: on disk, they are waited for all the same; who waits for more, such as a standby, goes on to.
_SESSION = """
SELECT pg_backend_pid(), CASE current_setting('synchronous_commit')
    WHEN 'off' THEN set_config('synchronous_commit', 'local', false) END
"""
#: What libpq says where it finds none of that kind, and what PostgreSQL says (SQLSTATE) to who
#: writes where one may only read, and of what was prepared before a column was changed.
NONE_TO_WRITE_TO = "session is read-only"
_READ_ONLY, _OUTDATED = "25006", "0A000"
#: Seconds that a request waits for a free connection before it is told to come again.
POOL_TIMEOUT = 3


#: The engines of PostgreSQL, each with the one that commits by itself; they share a pool.
_reading: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()


def engine_options(database_url: str, connections: int) -> dict[str, Any]:
    """Return the keyword arguments of ``create_engine`` for this URL.

    ``connections`` is how many one process may hold to PostgreSQL.
    """
    if database_url.startswith("sqlite"):
        # Greenlets share the one thread; a connection is handed from one to the next.
        return {"connect_args": {"check_same_thread": False}, "pool_size": 5, "max_overflow": 50}
    # What the address says is kept, but for our limits, which come behind its `options`.
    theirs = make_url(database_url).normalized_query
    settings = POSTGRESQL_MANNERS | POSTGRESQL_LIMITS
    limits = (f"-c {name}={value}" for name, value in settings.items())
    # Else a database of SQL_ASCII would answer in bytes, and nobody could tell it what is wrong.
    ours = {"application_name": "chatapp", "client_encoding": "utf8"}
    arguments = {**ours, **POSTGRESQL_ROLE, **POSTGRESQL_NETWORK}
    arguments = {name: value for name, value in arguments.items() if name not in theirs}
    return {
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT,
        # The one used last is used next: what a quiet hour does not need is soon let go.
        "pool_use_lifo": True,
        "connect_args": arguments | {"options": " ".join((*theirs.get("options", ()), *limits))},
    }


def prepare(engine: Engine) -> None:
    """Listen for new connections and transactions of ``engine``, as its kind needs it."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "connect", _replace_nul)
        event.listen(engine, "connect", _begin_session)
        event.listen(engine, "checkout", _check_open)
        event.listen(engine, "handle_error", _give_up_session)


def reading(engine: Engine) -> Engine:
    """Return the same engine for statements that read and stand alone."""
    if engine.dialect.name == "sqlite":
        return engine
    found = _reading.get(engine)
    if found is None:
        found = _reading[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return found


def take_as_long_as_it_takes(connection: Connection) -> None:
    """Lift the limits of time from the statements of a transaction that moves a lot of data.

    On PostgreSQL. ``connection`` is not for requests any more: it goes on to wait for every answer.
    """
    for name in ("statement_timeout", "lock_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")
    cast("_Impatient", connection.connection.driver_connection).patience = None


_Result = TypeVar("_Result")


class _Impatient(psycopg.Connection[Any]):
    """Waits for an answer for ``patience`` seconds, or for ever if that is None."""

    patience: float | None = ANSWER_TIMEOUT

    def wait(
        self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = None
    ) -> _Result:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            # Given up: whatever the answer will be, nobody must take it for another's.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


def _connect(_dialect: object, _record: object, arguments: Any, options: Any) -> _Impatient:
    return _Impatient.connect(*arguments, **options)


def _set_pragmas(connection: Any, _record: object) -> None:
    # Python's sqlite3 must not open transactions by itself: _begin does.
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("begin_immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _replace_nul(connection: Any, _record: object) -> None:
    connection.adapters.register_dumper(str, _TextDumper)


def _begin_session(connection: Any, _record: object) -> None:
    """Wait for the disk at each commit, and prepare no statements where a pooler is in between.

    A pooler such as pgbouncer may run each transaction on another of its connections, which knows
    none of them. It shows itself by the process number, which it makes up.
    """
    connection.autocommit = True
    found = connection.execute(_SESSION).fetchone()
    connection.autocommit = False
    if found[0] != connection.info.backend_pid:
        connection.prepare_threshold = None


class _TextDumper(StrDumper):
    """Looks for U+FFFD where somebody asks for NUL, which PostgreSQL refuses as an error.

    SQLite finds nothing, and so does this. No NUL can be stored: what people write is checked
    (chatapp.text) before it comes here.
    """

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd"))


def _check_open(connection: Any, _record: object, _proxy: object) -> None:
    """Replace a pooled connection that the server has closed in the meantime.

    A restarted server has said so to the socket already, so looking there is enough: it costs no
    round trip, as SQLAlchemy's own ``pool_pre_ping`` would for every request. Twice: the first look
    may find what it said as it left, and only then the next one that it has gone.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except Exception as error:
        raise DisconnectionError("the server closed this connection") from error


def _give_up_session(context: ExceptionContext) -> None:
    """Take a session for a lost one that may only read, or that has prepared for another schema.

    It may stay read-only when others may write; and goes on to fail with what it has prepared.
    """
    if getattr(context.original_exception, "sqlstate", None) in (_READ_ONLY, _OUTDATED):
        context.is_disconnect = True
