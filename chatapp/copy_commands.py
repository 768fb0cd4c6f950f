"""The ``flask`` commands for PostgreSQL: moving to it from SQLite, and restoring its backups."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import click
from flask.cli import with_appcontext
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from chatapp import create_app
from chatapp.addresses import database_address, shown
from chatapp.command_errors import plain_errors
from chatapp.config import ConfigError, Settings
from chatapp.domain import db_copy, log
from chatapp.domain.errors import DomainError
from chatapp.extensions import db
from chatapp.start import check_postgresql, migrate, reason


@click.command("db-copy")
@click.argument("postgres_url", required=False)
@click.option("--close", is_flag=True, help="Let the SQLite chat take no more messages first.")
@click.option("--reopen", is_flag=True, help="Let it take them again; nothing is copied.")
@with_appcontext
@plain_errors
def db_copy_command(postgres_url: str | None, close: bool, reopen: bool) -> None:
    """Copy the SQLite database to the empty PostgreSQL database at POSTGRES_URL.

    The server may run meanwhile. What is written after the copy began is not in it: --close
    answers such writes with an error, so that nobody is told that something was kept which
    is not. Then start the server with DATABASE_URL set to POSTGRES_URL.
    """
    source = db.engine
    if source.dialect.name != "sqlite":
        raise click.ClickException("This copies from SQLite, and DATABASE_URL names another.")
    if reopen:
        db_copy.reopen()
        click.echo("The SQLite chat takes messages again.")
        return
    if postgres_url is None:
        raise click.UsageError("POSTGRES_URL is missing.")
    try:
        target = _target(postgres_url)
        rows = _copied(source, target, close=close)
    except DBAPIError as error:
        raise click.ClickException(f"The copy failed: {reason(error.orig)}") from None
    click.echo(f"Copied {rows:,} rows to {shown(target.url)} and compared each.")


@click.command("new-epoch")
@click.confirmation_option(prompt="Every client loads its state afresh. Go on?")
@with_appcontext
@plain_errors
def new_epoch() -> None:
    """Say that the database went back in time: run it after restoring PostgreSQL.

    Clients may have seen more than the backup holds; by the new epoch they notice, and load
    afresh. Servers may run: they see it within 2 s, and tell every stream. `flask restore` does
    this by itself for SQLite.
    """
    click.echo(f"The log's epoch is now {log.renew_epoch()}.")


def _target(url: str) -> Engine:
    """Return the engine of the database at ``url``, brought to today's schema."""
    try:
        settings = replace(Settings.from_env(), database_url=database_address(url))
    except ValueError as error:
        raise ConfigError(f"POSTGRES_URL {error}.") from None
    if settings.is_sqlite:
        raise ConfigError("POSTGRES_URL must start with postgresql://.")
    app = create_app(settings)
    with app.app_context():
        check_postgresql()
        migrate()
        return db.engine


def _copied(source: Engine, target: Engine, *, close: bool) -> int:
    if close:
        db_copy.close()
    try:
        return db_copy.copy(source, target, _show)
    except BaseException:
        if close:
            _reopen_or_say()
        raise


def _reopen_or_say() -> None:
    """Open SQLite again; where that fails, too, say so and leave the word to what failed first."""
    try:
        db_copy.reopen()
    except (DomainError, DBAPIError, sqlite3.Error):
        say = "The SQLite chat still takes no messages. Open it by `flask db-copy --reopen`."
        click.echo(say, err=True)


def _show(what: str, table: str, done: int, total: int) -> None:
    click.echo(f"{what} {table}: {done:,} of {total:,}")


COMMANDS = (db_copy_command, new_epoch)
