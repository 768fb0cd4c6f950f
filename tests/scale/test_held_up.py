"""Somebody holds the log's counter row: a slow transaction, or a worker that is frozen."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import gevent
import psycopg
import pytest
from gevent import Greenlet

from tests.support.cluster import Cluster
from tests.support.postgres import waiters
from tests.support.raw_http import Answer, call
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.scale

#: Each stream is pinged each second, not every 20 s.
PING_OFTEN = "INTERVAL = 1"


def test_streams_are_pinged_while_posts_wait_for_the_database(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = sabotage(tmp_path / "pings", "chatapp.realtime.heartbeat", PING_OFTEN)
    with (
        Cluster(tmp_path, database_url, redis_server.url, **env) as cluster,
        psycopg.connect(database_url) as other,
    ):
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        cluster.listen(bob, dm)
        other.execute("SELECT * FROM log_head FOR UPDATE")
        body = {"directMessageId": dm, "content": "Held up"}
        waiting = [
            gevent.spawn(call, port, "POST", "/api/messages", ann.token, body)
            for port in cluster.ports
        ]
        until(lambda: waiters(other) == 2, "a post in each server that waits for the log")
        heard = [listener.heard for listener in cluster.listeners]
        until(
            lambda: all(
                listener.heard >= before + 3
                for listener, before in zip(cluster.listeners, heard, strict=True)
            ),
            "three pings in each stream",
        )
        assert not any(greenlet.ready() for greenlet in waiting)
        other.rollback()
        gevent.joinall(waiting, raise_error=True)
        assert [greenlet.get().status for greenlet in waiting] == [201, 201]


#: A process that finds the file freezes right before it would commit.
FREEZE = """
import os, signal, psycopg

_commit = psycopg.Connection.commit

def commit(connection):
    if os.path.exists({flag!r}):
        os.unlink({flag!r})
        os.kill(os.getpid(), signal.SIGSTOP)
    return _commit(connection)

psycopg.Connection.commit = commit
"""


def is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextmanager
def one_frozen(
    folder: Path, database_url: str, redis_url: str, code: str = ""
) -> Iterator[tuple[Cluster, int, Greenlet[..., Answer]]]:
    """Let somebody send while a worker freezes in an edit, right before its commit.

    Yields the cluster, the frozen worker, and the call of the edit.
    """
    flag = folder / "freeze"
    code += FREEZE.format(flag=str(flag))
    env = sabotage(folder / "frozen", "chatapp.models.engine", code)
    with Cluster(folder, database_url, redis_url, **env) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        cluster.listen(bob, dm, ports=cluster.ports[1:])
        sender = cluster.send(ann, dm, cluster.ports[1])
        cluster.until_acknowledged(3)
        message = next(iter(sender.acknowledged.values()))
        path, body = f"/api/messages/{message}", {"content": "Half-way"}
        flag.touch()
        edit = gevent.spawn(call, cluster.ports[0], "PATCH", path, ann.token, body)
        until(lambda: any(map(is_stopped, cluster.workers())), "a frozen worker")
        frozen = next(filter(is_stopped, cluster.workers()))
        try:
            yield cluster, frozen, edit
        finally:
            with suppress(ProcessLookupError):
                os.kill(frozen, signal.SIGCONT)


def test_a_worker_that_freezes_before_its_commit_stops_the_others_for_seconds_only(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with one_frozen(tmp_path, database_url, redis_server.url) as (cluster, frozen, edit):
        cluster.until_acknowledged(3)
        assert is_stopped(frozen)
        os.kill(frozen, signal.SIGCONT)
        assert edit.get(timeout=30).status == 503
        assert cluster.verdict().is_clean
        assert "Half-way" not in cluster.listeners[0].shown.values()


#: PostgreSQL waits an hour for who is in a transaction (with no limit at all nothing would start),
#: and others wait only so long for their turn.
NO_LIMIT = """
POSTGRESQL_LIMITS["idle_in_transaction_session_timeout"] = 3_600_000
POSTGRESQL_LIMITS["lock_timeout"] = 500
"""


def test_without_a_limit_to_an_idle_transaction_it_would_stop_them_for_good(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with one_frozen(tmp_path, database_url, redis_server.url, NO_LIMIT) as (cluster, frozen, edit):
        [sender] = cluster.senders
        taken = len(sender.acknowledged)
        # Twenty times half a second: for longer than the limit would let it, 8 s.
        until(
            lambda: sender.failures["503"] > 20 or len(sender.acknowledged) > taken + 1,
            "twenty refusals",
        )
        assert len(sender.acknowledged) <= taken + 1
        os.kill(frozen, signal.SIGCONT)
        assert edit.get(timeout=30).status == 200
        cluster.until_acknowledged(3)
        assert cluster.verdict().is_clean
