"""Backups, restoring them, and pruning the log."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from chatapp import backup
from chatapp.domain import log, retention
from chatapp.extensions import db
from chatapp.models import Event, now
from tests.support.team import Team


def contents(database: Path) -> list[tuple[str]]:
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT content FROM messages ORDER BY position").fetchall()


def epoch(database: Path) -> str:
    with sqlite3.connect(database) as connection:
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


def test_pruning_drops_old_events_and_old_cursors_get_a_reset(team: Team, app: Flask) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    ann.say(dm, "old")
    with app.app_context():
        old = log.head()
        db.session.query(Event).update({"created_at": now() - timedelta(days=8)})
        db.session.commit()
    ann.say(dm, "new")
    with app.app_context():
        assert retention.prune(timedelta(days=7)) == old.position
        assert [row.position for row in log.after(0, 10)] == [old.position + 1]
        assert log.head().pruned_position == old.position

    def opening(cursor: int) -> str:
        stream = bob.get(f"/api/sse?channel=dm:{dm}&cursor={old.epoch}-{cursor}", buffered=False)
        assert stream.status_code == 200
        first = next(iter(stream.response))
        stream.close()
        return first.decode() if isinstance(first, bytes) else str(first)

    assert '"reason":"pruned"' in opening(old.position - 1)
    assert "event: reset" not in opening(old.position)
    assert '"content":"new"' in opening(old.position)
