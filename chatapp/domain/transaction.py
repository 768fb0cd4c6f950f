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

from chatapp.domain import sqlite_writer
from chatapp.extensions import db

#: What is called with no argument after each commit that appended to the log.
Ring = Callable[[], None]


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
        if db.engine.dialect.name == "sqlite":
            with sqlite_writer.shared_transaction(db.engine, session):
                yield
        else:
            with session.begin():
                yield
    finally:
        del session.info["in_transaction"]
    if session.info.pop("appended", False):
        ring()


def ring() -> None:
    """Tell this process's delivery that the log has grown; a command-line process has none."""
    bell: Ring | None = current_app.extensions.get("chatapp.doorbell")
    if bell is not None:
        bell()
