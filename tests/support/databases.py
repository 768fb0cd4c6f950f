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


#: Keeps what a template holds beside it, in clones too.
KEEP = """
    CREATE SCHEMA kept;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name);
        END LOOP;
    END $$
"""
#: Throws out who is connected, and makes what was kept all there is.
PUT_BACK = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET session_replication_role = replica;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('DELETE FROM public.%I', name);
            EXECUTE format('INSERT INTO public.%I TABLE kept.%I', name, name);
        END LOOP;
    END $$
"""
#: What its tables and indexes are made of.
SCHEMA = """
    SELECT relname, relkind, attname, atttypid, attnotnull
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace ORDER BY relname, attnum
"""


class PostgresDatabases:
    """Clones of one template; each serves one test after another, and is put back in between.

    That takes a tenth of what PostgreSQL takes to drop one and to copy the files of the next.
    """

    def __init__(self, folder: Path, server: Postgres) -> None:
        self._server = server
        self._numbers = count(1)
        self._free: list[str] = []
        lead_to(folder, server.create("template"))
        _migrate(folder)
        server.execute(KEEP, "template")
        self._schema = server.execute(SCHEMA, "template")

    def make(self, data_dir: Path) -> None:
        lead_to(data_dir, self._server.url(self._free.pop() if self._free else self._clone()))

    def drop(self, data_dir: Path) -> None:
        name = (data_dir / "database_url").read_text().rpartition("/")[2]
        if self._server.execute(SCHEMA, name) != self._schema:
            self._server.drop(name)
            return
        self._server.execute(PUT_BACK, name)
        self._free.append(name)

    def _clone(self) -> str:
        name = f"test_{next(self._numbers)}"
        self._server.create(name, template="template")
        return name


def migrated(server: Postgres, folder: Path) -> str:
    """Make the database ``chat`` in a server of a test's own, migrated; return its address.

    The test's ``folder`` will have another in it, which leads there.
    """
    place = folder / "migrated"
    place.mkdir(parents=True)
    url = server.create("chat")
    lead_to(place, url)
    _migrate(place)
    return url


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
