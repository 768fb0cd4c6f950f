"""The Flask extensions, created unbound and bound to an app by :func:`chatapp.create_app`."""

from __future__ import annotations

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

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
migrate = Migrate(directory="migrations")
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address)
