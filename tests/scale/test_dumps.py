"""pg_dump beside running servers, and going back to what it wrote, as docs/SETUP.md says it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import gevent
import psycopg
import pytest

from tests.support.cluster import Cluster
from tests.support.listener import Listener
from tests.support.oracle import MESSAGES, Verdict, judge_rows, settle
from tests.support.postgres import Postgres, binaries
from tests.support.server import ROOT

pytestmark = pytest.mark.scale


def documented(command: str) -> str:
    """Return the line of docs/SETUP.md that begins so."""
    page = (ROOT / "docs" / "SETUP.md").read_text("utf-8")
    found = re.findall(rf"^{command} .*|^{command}$", page, re.MULTILINE)
    assert len(found) == 1, command
    return str(found[0])


class Shell(NamedTuple):
    """Where an operator sits."""

    url: str
    backups: Path

    def run(self, command: str) -> None:
        """Run a documented command, with a folder of the test's in place of /backups; say yes."""
        tools = f"{Path(sys.executable).parent}:{binaries()}:{os.environ['PATH']}"
        env = {"PATH": tools, "DATABASE_URL": self.url, "CHAT_DATA_DIR": str(self.backups)}
        words = documented(command).replace("/backups/", f"{self.backups}/")
        subprocess.run(["sh", "-c", words], cwd=ROOT, env=env, input=b"y\n", check=True)


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    folder = binaries()
    if folder is None or not (folder / "pg_restore").exists():
        pytest.skip("this PostgreSQL came without its tools")
    return Shell(database_url, tmp_path)


class Past(NamedTuple):
    """A chat that has gone back in time."""

    #: Acknowledged before the dump was begun, and still there after it was restored.
    before: set[str]
    kept: set[str]
    #: Where somebody had read to in what is no more.
    left_off: Listener


def go_back(cluster: Cluster, postgres: Postgres, shell: Shell, *commands: str) -> Past:
    """Dump while people write, let them write on, and restore what was dumped."""
    ann, *_ = cluster.storm()
    cluster.until_acknowledged(5)
    before = {id_ for sender in cluster.senders for id_ in sender.acknowledged.values()}
    # In a thread: the senders go on meanwhile.
    gevent.get_hub().threadpool.apply(shell.run, ("pg_dump",))
    cluster.until_acknowledged(3)
    for sender in cluster.senders:
        sender.stop()
    settle(cluster.senders[0], cluster.listeners)
    left_off = cluster.listeners.pop()
    left_off.stop()
    for server in cluster.servers:
        server.stop()
    name = shell.url.rpartition("/")[2]
    postgres.drop(name)
    postgres.create(name)
    for command in commands:
        shell.run(command)
    kept = {row[0] for row in postgres.execute("SELECT id FROM messages", name)}
    for server in cluster.servers:
        server.start()
    group = cluster.senders[0].conversation
    cluster.senders = []
    cluster.send(ann, group, cluster.ports[0])
    return Past(before, kept, left_off)


def come_back(cluster: Cluster, past: Past) -> Verdict:
    """Let the one who had left off listen on, when the log is past that position again."""
    head = "SELECT position FROM log_head"
    [sender] = cluster.senders
    with psycopg.connect(cluster.database_url, autocommit=True) as connection:
        left_off_at = int(past.left_off.cursor.partition("-")[2])
        while connection.execute(head).fetchall()[0][0] < left_off_at + 5:
            cluster.until_acknowledged(1)
        past.left_off.start()
        sender.stop()
        settle(sender, [past.left_off, *cluster.listeners])
        rows = connection.execute(MESSAGES.encode()).fetchall()
    past.left_off.stop()
    return judge_rows(rows, [sender], [past.left_off])


def test_a_dump_under_load_holds_what_was_acknowledged_and_everybody_loads_afresh(
    cluster: Cluster, postgres: Postgres, shell: Shell
) -> None:
    past = go_back(cluster, postgres, shell, "pg_restore", "flask new-epoch")
    assert past.before <= past.kept
    # There is something to lose: they had seen more than the dump holds.
    assert set(past.left_off.shown) - past.kept
    for listener in (past.left_off, *cluster.listeners):
        listener.may_reload = True
    verdict = come_back(cluster, past)
    assert verdict.is_clean, verdict
    for listener in (past.left_off, *cluster.listeners):
        assert listener.told["reset:epoch"] == 1
    assert cluster.verdict().is_clean


def test_without_a_new_epoch_somebody_would_miss_messages_in_silence(
    cluster: Cluster, postgres: Postgres, shell: Shell
) -> None:
    past = go_back(cluster, postgres, shell, "pg_restore")
    verdict = come_back(cluster, past)
    assert verdict.lost > 0
    assert verdict.invented > 0
    assert not any(told.startswith("reset") for told in past.left_off.told)
