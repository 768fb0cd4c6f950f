"""Writing to SQLite: one writer, and one sync for transactions that arrive together.

The first transaction of a batch opens ``BEGIN IMMEDIATE`` on the writer's connection and commits
at the end of this turn of the event loop. Whoever comes in the same turn runs on that
connection too, each in a savepoint of its own, so a failing one undoes itself alone (the first
needs none: nobody else has written yet). Then all wait for the one commit, and none returns before
the sync: that is what lets 16 connections post more than twice as often as with a sync each
(benchmarks/, POSTs a second).

Invariants: a transaction's statements run without a greenlet switch, so they never interleave; a
batch takes no newcomer once its commit has begun; the next one begins when that is done. The sync
runs in a thread, so that a slow disk holds up those who wait for it and nobody else - but for a
lone writer on a disk that has proved quick, for whom waking a thread would take longer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.event import AsyncResult
from sqlalchemy import Engine
from sqlalchemy.orm import scoped_session

from chatapp.domain import sqlite_connections
from chatapp.domain.errors import DomainError
from chatapp.domain.sqlite_connections import Kept, writer, writing
from chatapp.models.base import writing_connection

#: How long to wait for another process (a ``flask`` command, a reload's old worker), in seconds.
PATIENCE = 5.0
#: Seconds within which a sync is quick, and how many of them in a row prove it of the disk; a
#: slower one sends the next QUICK_SYNCS back to the thread. It is less than the fan-out takes at a
#: stretch (chatapp.realtime.hub.BREATH).
QUICK_SYNC = 0.003
QUICK_SYNCS = 16
#: The pause between two tries, in seconds. SQLite's own busy_timeout would freeze every greenlet.
PAUSE = 0.005


class Busy(DomainError):
    """The database file stayed locked by another process for PATIENCE seconds."""

    status = 503
    title = "The database is busy"


class Undone(DomainError):
    """SQLite has undone a whole batch, because the disk failed one that was in it."""

    status = 503
    title = "The disk is full or fails"


class Batch:
    """Transactions that share one commit."""

    def __init__(self, engine: Engine, kept: Kept) -> None:
        self.kept = kept
        self.is_open = True
        self.size = 0
        #: Called once the commit is on disk, before anybody in the batch goes on.
        self.after_commit: set[Callable[[], None]] = set()
        self.committed: AsyncResult[None] = AsyncResult()
        self._engine = engine

    def begin_one(self) -> bool:
        """Begin one more transaction; return whether it is the first, which has no savepoint."""
        self.size += 1
        if self.size > 1:
            self._check_not_undone()
            self.kept.driver.execute("SAVEPOINT verb")
        return self.size == 1

    def end_one(self, *, is_first: bool) -> None:
        """Keep what it did, and wait for the commit; the first one makes it, for all."""
        if is_first:
            try:
                gevent.sleep(0)  # who comes in the same turn of the event loop joins
            finally:
                self.commit()
            # Who reads the log has been woken, and goes first: others hear of it before it is
            # answered, which takes a millisecond.
            gevent.sleep(0)
        else:
            self.kept.driver.execute("RELEASE verb")
        self.committed.get()

    def undo_one(self, *, is_first: bool) -> None:
        """Undo what it did, and nothing else."""
        if is_first:
            self._end()
            self.kept.driver.rollback()
        elif self.kept.driver.in_transaction:
            self.kept.driver.execute("ROLLBACK TO verb")
            self.kept.driver.execute("RELEASE verb")

    def commit(self) -> None:
        """Commit, then let everybody in the batch go on, with the same error if it failed."""
        self.is_open = False
        try:
            self._check_not_undone()
            commit = self.kept.driver.commit
            if self.size == 1 and _disk.is_quick:
                _disk.time(commit)
            else:
                gevent.get_hub().threadpool.apply(_disk.time, (commit,))
        except BaseException as error:  # noqa: BLE001 (raised anew where each waits for it)
            sqlite_connections.discard(self._engine)
            self._end()
            self.committed.set_exception(error)
        else:
            self._end()
            for call in self.after_commit:
                call()
            self.committed.set(None)

    def _check_not_undone(self) -> None:
        """Fail where SQLite has undone all of it because of one: a full disk, an error of the disk.

        Its driver commits nothing then, and says nothing (https://sqlite.org/lang_transaction.html,
        "Response To Errors Within A Transaction").
        """
        if not self.kept.driver.in_transaction:
            raise Undone("The server could not save that. Try again in a moment.")

    def _end(self) -> None:
        del _batches[self._engine]
        sqlite_connections.give_back_writer(self._engine)


class Disk:
    """How quick the last commits were."""

    def __init__(self) -> None:
        self._quick_in_a_row = 0

    @property
    def is_quick(self) -> bool:
        """Whether the last QUICK_SYNCS commits took less than QUICK_SYNC each."""
        return self._quick_in_a_row >= QUICK_SYNCS

    def time(self, commit: Callable[[], None]) -> None:
        """Commit, and note how long it took."""
        begun = time.monotonic()
        try:
            commit()
        finally:
            quick = time.monotonic() - begun < QUICK_SYNC
            self._quick_in_a_row = self._quick_in_a_row + 1 if quick else 0


_disk = Disk()

#: The batch of each engine that is open or being committed.
_batches: dict[Engine, Batch] = {}


@contextmanager
def shared_transaction(
    engine: Engine,
    session: scoped_session[Any],
    after_commit: Callable[[], Callable[[], None] | None],
) -> Iterator[None]:
    """Run the body as one of the engine's open batch, then wait for the batch's commit.

    ``session`` takes part where the body uses it. ``after_commit`` is asked after the body for
    what to call as soon as the commit is on disk.

    Raises:
        Busy: the file stayed locked.
    """
    batch = _join_batch(engine)
    is_first = batch.begin_one()
    tokens = (writing.set(batch.kept), writing_connection.set(batch.kept.connection))
    try:
        yield
        if session.registry.has():
            session.commit()
            session.close()
        if call := after_commit():
            batch.after_commit.add(call)
    except BaseException:
        try:
            _close(session)
        finally:
            batch.undo_one(is_first=is_first)
        raise
    finally:
        writing.reset(tokens[0])
        writing_connection.reset(tokens[1])
    batch.end_one(is_first=is_first)


def _close(session: scoped_session[Any]) -> None:
    if session.registry.has():
        session.close()


def _join_batch(engine: Engine) -> Batch:
    """Return the engine's open batch, opening one if need be; waits for other processes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        batch = _batches.get(engine)
        if batch is None:
            kept = writer(engine)
            if _begin_immediate(kept.driver):
                sqlite_connections.lend_writer(engine)
                batch = _batches[engine] = Batch(engine, kept)
                return batch
            if time.monotonic() > deadline:
                raise Busy("The database file is in use by another process; try again soon.")
            gevent.sleep(PAUSE)
        elif batch.is_open:
            return batch
        else:
            # Whether that commit fails is not ours to know.
            batch.committed.wait()


def _begin_immediate(driver: sqlite3.Connection) -> bool:
    """Begin, and return whether nobody else was writing."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
