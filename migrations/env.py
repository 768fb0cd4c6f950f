"""Alembic's entry, called by Flask-Migrate inside an app context."""

from __future__ import annotations

import click
from alembic import context
from flask import current_app
from sqlalchemy import Connection

from chatapp.command_errors import plain_errors
from chatapp.extensions import db
from chatapp.models.engine import take_as_long_as_it_takes

config = context.config


def run() -> None:
    """Migrate the app's database; one transaction for everything, so a kill leaves it whole."""
    with db.engine.connect().execution_options(begin_immediate=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            _lock(connection)
            context.run_migrations()


def _lock(connection: Connection) -> None:
    """On PostgreSQL, wait for whoever migrates already; SQLite's BEGIN IMMEDIATE has done so."""
    if connection.dialect.name == "postgresql":
        # Waiting for another's migration, or filling a new column, may take longer than a request.
        take_as_long_as_it_takes(connection)
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7223871)")


current_app.logger.debug("migrating")
# The start has words of its own for what may go wrong.
by_command = click.get_current_context(silent=True) is not None
(plain_errors(run) if by_command else run)()
