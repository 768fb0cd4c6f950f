"""The one way to write.

``with transaction():`` makes everything that ``db.session`` and ``execute`` do inside it one
transaction, and rings the doorbell once it is on disk. On SQLite, transactions that arrive
together share one ``BEGIN IMMEDIATE`` and one sync (see chatapp.domain.sqlite_writer). On
PostgreSQL each has its own, but posts share one (see chatapp.domain.postgresql_posts).

Inside it no greenlet switch may happen on SQLite: another greenlet would write into the same
connection. Hash passwords and render text before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from flask import current_app

from chatapp.domain import postgresql, postgresql_posts, sqlite_writer
from chatapp.extensions import db
from chatapp.models import MessageRow

#: What tells delivery that the log has grown, and up to where if that is known; a ``flask`` command
#: has none.
Bell = Callable[..., None]


class Transaction:
    """The transaction that is running; ``appended_to`` is the last position it has taken."""

    appended_to: int | None = None

    def bell(self) -> Bell | None:
        """Return the bell where the transaction has appended to the log."""
        return _bell() if self.appended_to else None


_running: ContextVar[Transaction | None] = ContextVar("transaction", default=None)


@contextmanager
def transaction() -> Iterator[None]:
    """Run the body as one durable transaction.

    Returns from the ``with`` only when the commit is on disk; an exception in the body undoes
    the body alone.

    Raises:
        sqlite_writer.Busy: another process held the SQLite file for too long.
    """
    if _running.get() is not None:
        raise RuntimeError("transactions do not nest: call verbs outside of one")
    _forget_reading()
    running = Transaction()
    token = _running.set(running)
    try:
        with _on_this_engine(running):
            yield
    finally:
        _running.reset(token)


def post_with_others(message: MessageRow) -> int | None:
    """Post ``message`` together with others, if this engine does that and nothing is in the way.

    Returns its position once that is on disk. With None nothing has happened, and the caller
    finds out in a transaction what is in the way.
    """
    if db.engine.dialect.name == "sqlite" or _running.get() is not None:
        return None
    _forget_reading()
    return postgresql_posts.lane(db.engine).post(message, _bell())


def running_transaction() -> Transaction:
    """Return the transaction that the caller runs in.

    Raises:
        RuntimeError: it runs in none.
    """
    running = _running.get()
    if running is None:
        raise RuntimeError("write inside `with transaction():`")
    return running


def _forget_reading() -> None:
    """Forget what the request has read so far.

    It may be stale, SQLite cannot upgrade a stale snapshot to a writing one, and on PostgreSQL
    its connection is wanted for the writing.
    """
    if db.session.registry.has():
        db.session.close()


def _bell() -> Bell | None:
    bell: Bell | None = current_app.extensions.get("chatapp.doorbell")
    return bell


def _on_this_engine(running: Transaction) -> AbstractContextManager[None]:
    if db.engine.dialect.name == "sqlite":
        return sqlite_writer.shared_transaction(db.engine, db.session, running.bell)
    return _own_transaction(running)


@contextmanager
def _own_transaction(running: Transaction) -> Iterator[None]:
    with postgresql.own_transaction(db.engine, db.session):
        yield
    if bell := running.bell():
        bell(running.appended_to)
