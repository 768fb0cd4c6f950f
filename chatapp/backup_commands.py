"""The ``flask`` commands that keep and bring back the data."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from flask.cli import with_appcontext

from chatapp import backup, guard
from chatapp.command_errors import plain_errors
from chatapp.config import Settings
from chatapp.domain import retention


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@plain_errors
def write_backup(file: Path) -> None:
    """Write a backup of the SQLite database to FILE, also while the server runs."""
    backup.write_backup(_database(), file.absolute())
    click.echo(f"Wrote {file} ({file.stat().st_size:,} bytes).")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.confirmation_option(prompt="This replaces the present database. Go on?")
@plain_errors
def restore_backup(file: Path) -> None:
    """Go back to the backup in FILE. Stop the server first; the present data is kept beside it."""
    guard.hold_lock(Settings.from_env())
    kept = backup.restore_backup(file.absolute(), _database())
    click.echo(f"Restored {file}." + (f" What was there is now {kept}." if kept else ""))


@click.command("prune-log")
@click.option(
    "--days", type=click.IntRange(1), help="Keep so many days; CHAT_LOG_DAYS if left out."
)
@with_appcontext
@plain_errors
def prune_log(days: int | None) -> None:
    """Drop old events from the log now; the server does so by itself about once an hour.

    Messages stay. A client that was away for longer loads its state afresh.
    """
    dropped = retention.prune(timedelta(days=days or Settings.from_env().log_days))
    click.echo(f"Dropped {dropped:,} events.")


COMMANDS = (write_backup, restore_backup, prune_log)


def _database() -> Path:
    database = guard.database_file(Settings.from_env())
    if database is None:
        raise click.ClickException("This is for SQLite; use pg_dump and pg_restore.")
    return database
