"""The Flask extensions, created unbound and bound to an app by :func:`chatapp.create_app`."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response
from flask_compress import Compress
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from chatapp.config import Settings
from chatapp.guard import database_file
from chatapp.models import engine
from chatapp.models.base import Base, RequestSession

db = SQLAlchemy(
    model_class=Base,
    session_options={
        "class_": RequestSession,
        "expire_on_commit": False,
        "autoflush": False,
        # Inside the SQLite writer's transaction each session is a savepoint of its own.
        "join_transaction_mode": "create_savepoint",
    },
)
migrate = Migrate()
csrf = CSRFProtect()
compress = Compress()

_COMPRESSED = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})


def init_app(app: Flask, settings: Settings) -> None:
    """Configure the app from ``settings`` and bind the database to it."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        CHAT_DEBUG=settings.debug,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine.engine_options(
            settings.database_url, settings.database_connections
        ),
    )
    if path := database_file(settings):
        _make_private(path)
    db.init_app(app)
    with app.app_context():
        engine.prepare(db.engine)
    # Pages and what they load; not the API's small answers, and never the stream.
    app.config.update(
        COMPRESS_MIMETYPES=list(_COMPRESSED), COMPRESS_ALGORITHM=["gzip"], COMPRESS_REGISTER=False
    )
    compress.init_app(app)
    app.after_request(_compress)
    migrate.init_app(app, db, directory=str(Path(app.root_path) / "migrations"))


def _make_private(path: Path) -> None:
    """Make a database file that its owner alone may read; what SQLite lays beside it, is so too."""
    if path.parent.is_dir() and not path.exists():
        os.close(os.open(path, os.O_CREAT, 0o600))


def _compress(response: Response) -> Response:
    if response.mimetype not in _COMPRESSED:
        return response
    compressed: Response = compress.after_request(response)
    return compressed
