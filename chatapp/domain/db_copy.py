"""Moving everything from SQLite to PostgreSQL (docs/MOVING_UP.md).

What is copied is one snapshot of the SQLite file, which may be in use. In the copy the log has a
new epoch: it is another history from here on, so every client's cursor gets a ``reset``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from chatapp.domain.errors import Conflict, DomainError
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Base, LogHead, User
from chatapp.models.engine import take_as_long_as_it_takes

#: Rows that are read, written and compared in one go.
BATCH = 1000
#: In an order in which rows can be inserted.
TABLES: list[Table] = Base.metadata.sorted_tables
#: What a closed SQLite database says to whoever writes.
CLOSED = "this chat has moved to another database"
#: By the name of a trigger, what is closed: the log, and that of which nothing is logged though
#: somebody is told that it was kept. Not sessions: who only wants to read may still sign in.
_CLOSING = {
    "closed": "UPDATE ON log_head",
    "closed_passwords": "UPDATE OF password_hash ON users"
    " WHEN NEW.password_hash IS NOT OLD.password_hash",
    "closed_tokens": "INSERT ON tokens",
    "closed_links": "INSERT ON invites",
    "closed_used_links": "UPDATE ON invites",
}

#: Told how far it is: what is being done, the table's name, rows done, rows in all.
Progress = Callable[[str, str, int, int], None]


class NotEqual(DomainError):
    """The copy differs from the original."""


def close() -> None:
    """Let SQLite take no more of what people do: what is acknowledged from now on would be lost.

    Nearly every such write moves the log's head, so a trigger there stops it, in the running
    server too: it answers 503.

    Raises:
        sqlite_writer.Busy: somebody else was writing for as long as we wait.
    """
    with transaction():
        for name, what in _CLOSING.items():
            db.session.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {what}"
                    f" BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
                )
            )


def reopen() -> None:
    """Let SQLite take writes again.

    Raises:
        sqlite_writer.Busy: as above.
    """
    with transaction():
        for name in _CLOSING:
            db.session.execute(text(f"DROP TRIGGER IF EXISTS {name}"))


def copy(source: Engine, target: Engine, progress: Progress) -> int:
    """Copy every row, compare every row, and commit; return how many there were.

    ``target`` has the same schema. Until the end nothing is to be seen there, so a copy that was
    interrupted can be begun again.

    Raises:
        Conflict: somebody uses ``target`` already.
        NotEqual: a row did not arrive as it was.
    """
    with source.connect() as old, target.begin() as new:
        take_as_long_as_it_takes(new)
        new.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        _check_empty(new)
        new.execute(delete(LogHead))
        rows = sum(_copy_table(table, old, new, progress) for table in TABLES)
        for table in TABLES:
            _compare_table(table, old, new, progress)
        new.execute(update(LogHead).values(epoch=secrets.token_hex(4)))
    return rows


def _check_empty(new: Connection) -> None:
    if new.scalar(select(User.id).limit(1)) is not None:
        raise Conflict("There are people in that database already. Name an empty one.")


def _copy_table(table: Table, old: Connection, new: Connection, progress: Progress) -> int:
    done, total = 0, _count(table, old)
    for batch in _batches(table, old):
        new.execute(insert(table), batch)
        done += len(batch)
        progress("copied", table.name, done, total)
    return done


def _compare_table(table: Table, old: Connection, new: Connection, progress: Progress) -> None:
    done, total = 0, _count(table, old)
    if _count(table, new) != total:
        raise NotEqual(f"Not all rows of {table.name} have arrived.")
    for batch in _batches(table, old):
        keys = [_key(table, row) for row in batch]
        found = new.execute(select(table).where(tuple_(*table.primary_key).in_(keys)))
        arrived = {_key(table, row): row for row in (dict(row._mapping) for row in found)}  # noqa: SLF001
        for key, row in zip(keys, batch, strict=True):
            if arrived.get(key) != row:
                raise NotEqual(f"The row {key} of {table.name} did not arrive as it was.")
        done += len(batch)
        progress("compared", table.name, done, total)


def _count(table: Table, connection: Connection) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _batches(table: Table, old: Connection) -> Iterator[list[dict[str, Any]]]:
    result = old.execute(select(table).execution_options(yield_per=BATCH))
    for rows in result.partitions():
        yield [dict(row._mapping) for row in rows]  # noqa: SLF001 (SQLAlchemy's public name for it)


def _key(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)
