"""``/healthz`` and ``/readyz``, for whatever watches over the process."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from chatapp.api.answers import json_answer
from chatapp.api.delivery import current_delivery
from chatapp.domain import log
from chatapp.domain.statements import takes_writes
from chatapp.models.engine import NONE_TO_WRITE_TO

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Say that the process answers."""
    return json_answer({"status": "ok"})


@bp.get("/readyz")
def ready() -> Response:
    """Say whether the process can serve: database, log, doorbell.

    Without its doorbell it serves, and what others commit comes up to 2 s late: that is
    ``degraded`` and still a 200, since taking the process out would take out all of them.
    """
    delivery = current_delivery()
    needed = {
        "database": _database(),
        "log": "ok" if delivery.is_following() else "not following",
    }
    doorbell = delivery.doorbell.state() if delivery.doorbell else "none"
    if any(state != "ok" for state in needed.values()):
        status, code = "unavailable", 503
    else:
        status, code = ("ok" if doorbell in ("ok", "none") else "degraded"), 200
    return json_answer({"status": status, **needed, "doorbell": doorbell}, code)


def _database() -> str:
    try:
        log.head()
        return "ok" if takes_writes() else "read-only"
    except (SQLAlchemyError, sqlite3.Error) as error:
        return "read-only" if NONE_TO_WRITE_TO in str(error) else "unreachable"
