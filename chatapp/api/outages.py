"""When the database is away or overloaded: a 503 that says when to come back, not a 500."""

from __future__ import annotations

import logging
import sqlite3

from flask import Flask, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError, OperationalError

from chatapp.domain import db_copy
from chatapp.domain.errors import DomainError
from chatapp.logs import log_event

logger = logging.getLogger(__name__)

#: What SQLite says where the machine is at fault, and not what was asked of it: the disk is full,
#: broken or read-only, or there is no memory (https://sqlite.org/rescode.html, primary codes).
_FAULTS = frozenset(
    {
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        *(sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL),
    }
)


class Unavailable(DomainError):
    """The database cannot be reached or written to, or all connections to it are taken."""

    status = 503
    title = "The database is away"

    def __init__(self) -> None:
        super().__init__("The server cannot reach its data just now. Try again in a moment.")


def init_app(app: Flask) -> None:
    """Answer what goes wrong between the app and its database."""
    app.register_error_handler(exc.TimeoutError, _unavailable)
    app.register_error_handler(DBAPIError, _failed)
    # The hot paths call SQLite's driver directly, so its own errors come up as well.
    app.register_error_handler(sqlite3.Error, _failed)


def passes(error: Exception) -> bool:
    """Whether the statement may succeed when it is sent again.

    On PostgreSQL: after lost connections, limits of time, deadlocks, a restart, a full pool.
    """
    if isinstance(error, exc.TimeoutError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if db_copy.CLOSED in str(cause):
        return True
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)  # an error of the driver itself has none
        return code & 0xFF in _FAULTS
    return isinstance(error, DBAPIError) and (
        isinstance(error, OperationalError) or error.connection_invalidated
    )


def _failed(error: DBAPIError | sqlite3.Error) -> ResponseReturnValue:
    if not passes(error):
        raise error
    return _unavailable(error)


def _unavailable(error: Exception) -> ResponseReturnValue:
    cause = getattr(error, "orig", None) or error
    log_event(
        logger, "database_unavailable", logging.WARNING, cause=str(cause).partition("\n")[0][:200]
    )
    return current_app.handle_user_exception(Unavailable())
