"""When the database is away or overloaded: a 503 that says when to come back, not a 500."""

from __future__ import annotations

import logging

from flask import Flask, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError, OperationalError

from chatapp.domain.errors import DomainError
from chatapp.extensions import db
from chatapp.logs import log_event

logger = logging.getLogger(__name__)


class Unavailable(DomainError):
    """The database cannot be reached, or all connections to it are taken."""

    status = 503
    title = "The database is away"

    def __init__(self) -> None:
        super().__init__("The server cannot reach its data just now. Try again in a moment.")


def init_app(app: Flask) -> None:
    """Answer what goes wrong between the app and its database."""
    app.register_error_handler(exc.TimeoutError, _unavailable)
    app.register_error_handler(DBAPIError, _failed)


def is_outage(error: Exception) -> bool:
    """Whether the statement failed for a reason that passes: it may succeed when sent again.

    On PostgreSQL these are lost connections, limits of time, deadlocks, a restart.
    """
    if isinstance(error, exc.TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    passes = isinstance(error, OperationalError) and db.engine.dialect.name != "sqlite"
    return passes or error.connection_invalidated


def _failed(error: DBAPIError) -> ResponseReturnValue:
    if not is_outage(error):
        raise error
    return _unavailable(error)


def _unavailable(error: Exception) -> ResponseReturnValue:
    cause = getattr(error, "orig", None) or error
    log_event(
        logger, "database_unavailable", logging.WARNING, cause=str(cause).partition("\n")[0][:200]
    )
    return current_app.handle_user_exception(Unavailable())
