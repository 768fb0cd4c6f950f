"""What a ``flask`` command says when it cannot do what it is asked: one line, and exit code 1."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from chatapp.backup import BackupError
from chatapp.config import ConfigError
from chatapp.domain.errors import DomainError

Args = ParamSpec("Args")
Result = TypeVar("Result")


def plain_errors(command: Callable[Args, Result]) -> Callable[Args, Result]:
    """Say what went wrong in one line on stderr, with exit code 1."""

    @wraps(command)
    def wrapper(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except (DomainError, ConfigError, BackupError) as error:
            raise click.ClickException(str(error)) from None
        except (DBAPIError, sqlite3.Error) as error:
            raise click.ClickException(_database_trouble(error)) from None

    return wrapper


def _database_trouble(error: DBAPIError | sqlite3.Error) -> str:
    cause = str(getattr(error, "orig", error)).splitlines()[0]
    if "no such table" in cause or 'relation "' in cause:
        return "The database has no tables yet. Run `flask db upgrade`, or start the server once."
    return f"The database cannot be used: {cause}."
