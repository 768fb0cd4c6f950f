"""Backups taken while people write: thirty, each whole, with everything acknowledged before it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from chatapp import backup
from tests.faults.conftest import Arena
from tests.support.server import ROOT

pytestmark = pytest.mark.delivery


def missing(copy: Path, acknowledged: set[str]) -> int:
    """Return how many of the messages a copy lacks; all of them if it cannot be read."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return len(acknowledged)
            kept = {row[0] for row in connection.execute("SELECT id FROM messages")}
    except sqlite3.Error:
        return len(acknowledged)
    return len(acknowledged - kept)


def acknowledged_by(arena: Arena) -> set[str]:
    return {id_ for sender in arena.senders for id_ in sender.acknowledged.values()}


def test_thirty_backups_under_load_are_whole(arena: Arena, tmp_path: Path) -> None:
    arena.storm(people=2, senders=2)
    for number in range(30):
        arena.until_acknowledged(3)
        before = acknowledged_by(arena)
        target = tmp_path / f"{number}.db"
        # In a thread: the senders go on meanwhile.
        gevent.get_hub().threadpool.apply(backup.write_backup, (arena.database, target))
        assert missing(target, before) == 0, number
        restored = tmp_path / f"restored-{number}.db"
        backup.restore_backup(target, restored)
        assert missing(restored, before) == 0, number
    assert arena.verdict().is_clean


def test_the_command_writes_one_that_can_be_gone_back_to(arena: Arena, tmp_path: Path) -> None:
    arena.storm(people=2, senders=1)
    arena.until_acknowledged(5)
    before = acknowledged_by(arena)
    target = tmp_path / "backup.db"
    command = [sys.executable, "-m", "flask", "backup", str(target)]
    env = {"CHAT_DATA_DIR": str(arena.server.data_dir)}
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    restored = tmp_path / "restored.db"
    backup.restore_backup(target, restored)
    assert missing(restored, before) == 0
    assert arena.verdict().is_clean


def test_not_copying_the_file_matters(arena: Arena, tmp_path: Path) -> None:
    arena.storm(people=2, senders=2)
    lacking = 0
    for number in range(10):
        arena.until_acknowledged(3)
        before = acknowledged_by(arena)
        lacking += missing(Path(shutil.copy(arena.database, tmp_path / f"{number}.db")), before)
    assert lacking > 0
