"""Killed in the middle of a migration: the next start finishes it, and no row is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.newer import newer_program
from tests.support.server import Server
from tests.support.team import Team

pytestmark = pytest.mark.delivery

#: What a later version might bring. It is killed after it has changed the schema and every row.
MIGRATION = """
import os
import signal
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision, down_revision = "faults", {head!r}


def upgrade():
    op.add_column("messages", sa.Column("mood", sa.String(10)))
    op.execute("UPDATE messages SET mood = 'fine'")
    op.execute("CREATE TABLE moods AS SELECT id, mood FROM messages")
    if Path({flag!r}).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    op.execute("CREATE INDEX moods_by_id ON moods (id)")


def downgrade():
    raise NotImplementedError
"""

COMMIT = 'connection.exec_driver_sql("COMMIT")'


@pytest.fixture
def filled(data_dir: Path, team: Team) -> Path:
    """A data folder with messages in it, and nobody on it."""
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    for number in range(20):
        team.post(ann, dm, f"message {number}")
    return data_dir


def content(database: Path) -> tuple[str, int, set[str]]:
    """Return the schema's version, the number of messages, and the tables."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return version, count, {row[0] for row in names}


@pytest.fixture
def newer(filled: Path, tmp_path: Path) -> Server:
    """A server of a newer program on that data."""
    return Server(filled, None, **newer_program(tmp_path, MIGRATION, flag=str(tmp_path / "kill")))


def kill_half_way(newer: Server, folder: Path) -> None:
    """Start the newer program, which is killed in the middle of its migration, but not again."""
    (folder / "kill").touch()
    with pytest.raises(RuntimeError, match="the server did not"):
        newer.start()
    (folder / "kill").unlink()


def test_a_killed_migration_is_undone_and_then_finished(
    filled: Path, newer: Server, tmp_path: Path
) -> None:
    database = filled / "chat.db"
    before = content(database)
    kill_half_way(newer, tmp_path)
    assert content(database) == before

    with newer:
        assert newer.answers()
    version, count, tables = content(database)
    assert (version, "moods" in tables) == ("faults", True)
    assert count == before[1]


@pytest.mark.long
def test_the_transaction_of_a_migration_matters(
    filled: Path, newer: Server, tmp_path: Path
) -> None:
    entry, begun = tmp_path / "migrations" / "env.py", "            _lock(connection)\n"
    text = entry.read_text()
    assert text.count(begun) == 1
    # Ended as soon as it has begun: from here on each statement is one of its own.
    entry.write_text(text.replace(begun, begun + begun.replace("_lock(connection)", COMMIT)))

    database = filled / "chat.db"
    version, count, tables = content(database)
    kill_half_way(newer, tmp_path)
    assert content(database) == (version, count, tables | {"moods"})
    with pytest.raises(RuntimeError, match="duplicate column name: mood"):
        newer.start()
