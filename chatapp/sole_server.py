"""One server alone on a PostgreSQL, where it has no Redis: the counterpart of SQLite's lock.

Two without Redis would hear each other late and count limits apart, and nobody would notice. So
the arbiter holds an advisory lock of PostgreSQL, in a session of its own. As with a file's lock,
its workers inherit the session's socket: a reload's old and new one share the lock, and that of a
killed arbiter is free only when the last of its orphans has gone. Whoever restarts PostgreSQL
takes the lock away; the arbiter takes it anew within seconds.

Through a pooler there is none: what one transaction locks there, anybody's next one may hold.
"""

from __future__ import annotations

import logging
import time
from typing import Any, LiteralString, TypeVar

import gevent
import psycopg
from psycopg.abc import PQGen
from sqlalchemy import make_url

log = logging.getLogger(__name__)

#: Seconds for which PostgreSQL may keep silent: the arbiter serves nobody meanwhile, but has
#: signals to handle. And seconds between two tries to get back a lock that was lost.
PATIENCE, REST = 2, 5

#: Each schema of a database may hold a chat of its own. The settings let PostgreSQL notice within
#: 11 s that a machine has vanished: its lock shall not keep another from taking over.
_LOCK = """
SELECT pg_try_advisory_lock(7223872, hashtext(coalesce(current_schema(), ''))),
    set_config('tcp_keepalives_idle', '5', false),
    set_config('tcp_keepalives_interval', '2', false),
    set_config('tcp_keepalives_count', '3', false)
"""

#: libpq's, where the address says nothing else: which of several servers, and in how many seconds
#: one that vanished is noticed.
_MANNERS: dict[str, Any] = {
    "application_name": "chatapp alone",
    "target_session_attrs": "read-write",
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


_Result = TypeVar("_Result")


class SoleServer:
    """The lock, and the session that holds it."""

    def __init__(self, database_url: str) -> None:
        address = make_url(database_url)
        _, self._arguments = address.get_dialect()().create_connect_args(address)
        self._session: _Session | None = None
        self._holds = False
        self._rests_until = 0.0

    def take(self) -> bool:
        """Try to take the lock; return False if another server holds it.

        Where PostgreSQL cannot be asked, or a pooler is in between, it is not taken, and nothing
        is said: what is wrong with the database the start finds out by itself.
        """
        try:
            with gevent.Timeout(2 * PATIENCE):  # looking up a name has no limit of its own
                session = self._session = self._session or self._connect()
                if session.process() != session.info.backend_pid:
                    return True
                self._holds = session.take_lock()
        except (psycopg.Error, gevent.Timeout):
            self.let_go()
            return True
        return self._holds

    def keep(self) -> None:
        """Take the lock anew where its session was lost."""
        if self._session is not None and _is_lost(self._session):
            self.let_go()
        if self._holds or time.monotonic() < self._rests_until:
            return
        self._rests_until = time.monotonic() + REST
        if not self.take():
            log.error("another chatapp without REDIS_URL serves this database, too")

    def let_go(self) -> None:
        """End the session, and with it the lock."""
        if self._session is not None:
            self._session.close()
        self._session, self._holds = None, False

    def _connect(self) -> _Session:
        arguments = _MANNERS | dict(self._arguments) | {"connect_timeout": PATIENCE}
        return _Session.connect(**arguments, autocommit=True)


class _Session(psycopg.Connection[Any]):
    def process(self) -> int:
        """Return the number of the process that has just answered."""
        return int(self._asked("SELECT pg_backend_pid()"))

    def take_lock(self) -> bool:
        return bool(self._asked(_LOCK))

    def wait(
        self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = PATIENCE
    ) -> _Result:
        return super().wait(gen, interval, timeout)

    def _asked(self, query: LiteralString) -> Any:
        (row,) = self.execute(query)
        return row[0]


def _is_lost(session: _Session) -> bool:
    """Return whether the server has closed the session; a look at its socket, no round trip."""
    try:
        session.pgconn.consume_input()
        session.pgconn.consume_input()  # the first may find only what it said as it left
    except psycopg.Error:
        return True
    return False
