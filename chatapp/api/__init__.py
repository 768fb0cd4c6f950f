"""The JSON API and the stream; docs/API.md documents every call."""

from __future__ import annotations

from flask import Blueprint, Flask

from chatapp.api import conversations, groups, health, messages, people, shut_out, sse
from chatapp.identity import require


def init_app(app: Flask) -> None:
    """Register the API under ``/api``, and the health checks."""
    api = Blueprint("api", __name__, url_prefix="/api")
    api.before_request(shut_out.note)
    api.before_request(require)
    for module in (messages, conversations, groups, people, sse):
        api.register_blueprint(module.bp)
    app.register_blueprint(api)
    app.register_blueprint(health.bp)
