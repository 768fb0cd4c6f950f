"""``/healthz`` and ``/readyz``, for whatever watches over the process."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from chatapp.api.answers import json_answer
from chatapp.api.delivery import current_delivery
from chatapp.domain import log

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Say that the process answers."""
    return json_answer({"status": "ok"})


@bp.get("/readyz")
def ready() -> Response:
    """Say whether the process can serve: database, log, doorbell."""
    checks = {
        "database": _database(),
        "log": "ok" if current_delivery().is_following() else "not following",
        "doorbell": "ok",
    }
    good = all(state == "ok" for state in checks.values())
    return json_answer({"status": "ok" if good else "unavailable", **checks}, 200 if good else 503)


def _database() -> str:
    try:
        log.head()
    except SQLAlchemyError:
        return "unreachable"
    return "ok"
