"""Databases for tests, on either engine: made fast, looked into, put back as they were."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from flask import Flask
from sqlalchemy import Connection, Table, delete, insert, select

from chatapp import create_app
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Base
from chatapp.start import migrate
from tests.support.postgres import Postgres
from tests.support.settings import settings_for

Rows = dict[str, list[dict[str, Any]]]
#: In an order in which rows can be inserted.
TABLES: list[Table] = Base.metadata.sorted_tables


class Databases(Protocol):
    """Makes databases that are migrated and hold no row of ours."""

    def make(self, data_dir: Path) -> None:
        """Make one, to which ``settings_for(data_dir)`` then leads."""

    def drop(self, data_dir: Path) -> None:
        """Forget it."""


class SqliteDatabases:
    """Copies of one file."""

    def __init__(self, folder: Path) -> None:
        _migrate(folder)
        self._template = folder / "chat.db"

    def make(self, data_dir: Path) -> None:
        shutil.copy(self._template, data_dir / "chat.db")

    def drop(self, data_dir: Path) -> None:
        """Leave the file to pytest."""


class PostgresDatabases:
    """Clones of one template, each as fast as PostgreSQL copies files."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        self._server = server
        self._numbers = count(1)
        lead_to(folder, server.create("template"))
        _migrate(folder)

    def make(self, data_dir: Path) -> None:
        name = f"test_{next(self._numbers)}"
        self._server.create(name, template="template")
        lead_to(data_dir, self._server.url(name))

    def drop(self, data_dir: Path) -> None:
        self._server.drop((data_dir / "database_url").read_text().rpartition("/")[2])


def lead_to(data_dir: Path, url: str) -> None:
    """Let ``settings_for(data_dir)`` lead to this database."""
    (data_dir / "database_url").write_text(url)


def _migrate(folder: Path) -> None:
    app = create_app(settings_for(folder))
    with app.app_context():
        migrate()
        # Closing the last connection to SQLite moves all from the -wal file into the database; a
        # template of PostgreSQL must have none.
        db.engine.dispose()


def rows(app: Flask) -> Rows:
    """Return everything in the app's database."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: [
                dict(row._mapping)
                for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in TABLES
        }


def restore(app: Flask, content: Rows) -> None:
    """Make ``content`` everything in the app's database."""
    with app.app_context(), _writing() as connection:
        for table in reversed(TABLES):
            connection.execute(delete(table))
        for table in TABLES:
            if content[table.name]:
                connection.execute(insert(table), content[table.name])


@contextmanager
def _writing() -> Iterator[Connection]:
    # A refused verb does not wait for the commit of its batch, which still holds the lock.
    with transaction():
        pass
    db.session.remove()
    with db.engine.connect().execution_options(begin_immediate=True) as connection:
        yield connection
        connection.commit()
