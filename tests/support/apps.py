"""Applications that a test makes beside its own."""

from __future__ import annotations

from flask import Flask

from chatapp.extensions import db


def close(app: Flask) -> None:
    """Stop what runs beside the requests, and close the connections to the database."""
    app.extensions["chatapp"].stop()
    with app.app_context():
        db.engine.dispose()
