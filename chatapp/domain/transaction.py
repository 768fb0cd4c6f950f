"""The one way to write.

``with transaction():`` makes everything that ``db.session`` does inside it one transaction, and
rings the doorbell once it is on disk. On SQLite, transactions that arrive together share one
``BEGIN IMMEDIATE`` and one sync (see chatapp.domain.sqlite_writer); on PostgreSQL each has its own.

Inside it no greenlet switch may happen on SQLite: another greenlet would write into the same
connection. Hash passwords and render text before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import current_app
from sqlalchemy.orm import Session

from chatapp.domain import sqlite_writer
from chatapp.extensions import db

#: What tells delivery that the log has grown, and up to where if that is known; a ``flask`` command
#: has none.
Doorbell = Callable[..., None]


@contextmanager
def transaction() -> Iterator[None]:
    """Run the body as one durable transaction.

    Returns from the ``with`` only when the commit is on disk; an exception in the body undoes
    the body alone.

    Raises:
        sqlite_writer.Busy: another process held the SQLite file for too long.
    """
    session = db.session()
    if "in_transaction" in session.info:
        raise RuntimeError("transactions do not nest: call verbs outside of one")
    # Forget what the request has read so far: it may be stale, and SQLite cannot upgrade a
    # stale snapshot to a writing one.
    session.close()
    session.info["in_transaction"] = True
    try:
        with _engine_transaction(session):
            yield
    finally:
        session.info.pop("in_transaction")
        session.info.pop("appended", None)


@contextmanager
def _engine_transaction(session: Session) -> Iterator[None]:
    if db.engine.dialect.name == "sqlite":
        with sqlite_writer.shared_transaction(db.engine, session, lambda: _bell(session)):
            yield
        return
    with session.begin():
        yield
    position = session.info.get("appended")
    if position and (bell := _bell(session)):
        bell(position)


def _bell(session: Session) -> Doorbell | None:
    """Return the doorbell where the session's transaction has appended to the log."""
    bell: Doorbell | None = current_app.extensions.get("chatapp.doorbell")
    return bell if session.info.get("appended") else None
