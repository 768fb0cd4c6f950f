"""Backups, and restoring them."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from chatapp import backup
from chatapp.extensions import db
from tests.support.team import Team


def contents(database: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT content FROM messages ORDER BY position").fetchall()


def epoch(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT epoch FROM log_head").fetchone()[0])


@pytest.mark.sqlite
def test_a_backup_of_a_database_in_use_holds_what_was_acknowledged(
    team: Team, data_dir: Path, tmp_path: Path
) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    for number in range(30):
        ann.say(dm, f"message {number}")
        target = tmp_path / f"backup-{number}"
        backup.write_backup(data_dir / "chat.db", target)
        backup.check_database(target)
        assert contents(target) == [(f"message {n}",) for n in range(number + 1)]


@pytest.mark.sqlite
def test_a_backup_does_not_overwrite(data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.write_text("precious")
    with pytest.raises(backup.BackupError, match="exists already"):
        backup.write_backup(data_dir / "chat.db", target)
    assert target.read_text() == "precious"
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.sqlite
def test_restoring_undoes_what_came_later_and_renews_the_epoch(
    team: Team, app: Flask, data_dir: Path, tmp_path: Path
) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    ann.say(dm, "before")
    live, target = data_dir / "chat.db", tmp_path / "backup"
    backup.write_backup(live, target)
    ann.say(dm, "after")
    with app.app_context():
        db.engine.dispose()
    kept = backup.restore_backup(target, live)
    assert contents(live) == [("before",)]
    assert epoch(live) != epoch(target)
    assert kept is not None
    assert contents(kept) == [("before",), ("after",)]


@pytest.mark.sqlite
def test_nothing_is_restored_beside_a_server_that_runs(
    app: Flask, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_DATA_DIR", str(data_dir))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    live, target = data_dir / "chat.db", tmp_path / "backup"
    backup.write_backup(live, target)
    before = epoch(live)
    with (data_dir / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = app.test_cli_runner().invoke(args=["restore", "--yes", str(target)])
    assert refused.exit_code != 0
    assert "already serves" in refused.stderr
    assert epoch(live) == before
    assert app.test_cli_runner().invoke(args=["restore", "--yes", str(target)]).exit_code == 0
    assert epoch(live) != before


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(200)])
@pytest.mark.sqlite
def test_what_is_no_backup_is_refused_and_changes_nothing(
    data_dir: Path, tmp_path: Path, content: bytes
) -> None:
    wrong, live = tmp_path / "wrong", data_dir / "chat.db"
    wrong.write_bytes(content)
    before = live.read_bytes()
    with pytest.raises(backup.BackupError):
        backup.restore_backup(wrong, live)
    assert live.read_bytes() == before


def damage(database: Path) -> None:
    """Turn pages into nonsense, and leave the rest readable."""
    with closing(sqlite3.connect(database)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        [page] = connection.execute("SELECT max(rootpage) FROM sqlite_master").fetchone()
    content = bytearray(database.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    database.write_bytes(content)


@pytest.mark.sqlite
def test_a_damaged_backup_is_not_restored(data_dir: Path, tmp_path: Path) -> None:
    live, target = data_dir / "chat.db", tmp_path / "backup"
    backup.write_backup(live, target)
    damage(target)
    before = epoch(live)
    with pytest.raises(backup.BackupError):
        backup.restore_backup(target, live)
    assert epoch(live) == before


@pytest.mark.sqlite
def test_a_backup_that_came_out_damaged_is_none(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vacuum = backup._vacuum_into

    def damaged(database: Path, target: Path) -> None:
        vacuum(database, target)
        damage(target)

    monkeypatch.setattr(backup, "_vacuum_into", damaged)
    with pytest.raises(backup.BackupError):
        backup.write_backup(data_dir / "chat.db", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
