"""What every table is built from: the declarative base, ids, time, and the session class."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy.session import Session
from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, registry

from chatapp.models.engine import reading

#: Alembic needs names for what it will one day have to drop.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, whole milliseconds in both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; SQLite has no zones, so the stored text is naive there."""
        return value.astimezone(UTC).replace(tzinfo=None) if value and _naive(dialect) else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give back an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _naive(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


def now() -> datetime:
    """Return this moment in UTC, cut to the milliseconds that the wire shows."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_id(prefix: str) -> str:
    """Return an unguessable id such as ``msg_4nUk…``: 128 random bits behind its kind's prefix."""
    return f"{prefix}_{secrets.token_urlsafe(16)}"


class Base(DeclarativeBase):
    """The declarative base; plain ``Mapped[]`` models.

    Not a dataclass base: Flask-SQLAlchemy 3.1 fails on those under SQLAlchemy 2.1.
    """

    registry = registry(
        metadata=MetaData(naming_convention=NAMING), type_annotation_map={datetime: UtcDateTime}
    )


#: The connection of the transaction that is running, if one is.
writing_connection: ContextVar[Connection | None] = ContextVar("writing", default=None)


class RequestSession(Session):
    """The session behind ``db.session``; joins the writer's connection while it is in one.

    So that neighbours' transactions can share one commit (see chatapp.domain.sqlite_writer).
    """

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """Return the writer's connection inside a transaction, else the engine, for reading."""
        writer = writing_connection.get()
        if writer is not None:
            return writer
        bind = super().get_bind(*args, **kwargs)
        return reading(bind) if isinstance(bind, Engine) else bind
