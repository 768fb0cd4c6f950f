"""Posts in batches, while others dawdle and roll back, workers are killed, PostgreSQL restarts."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest

from tests.scale.writers import Reader, write
from tests.support.cluster import Cluster
from tests.support.databases import migrated
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.scale

Connection = psycopg.Connection[Any]

#: Sessions that leave it to the database whether a commit waits for the disk.
OBEDIENT = '_SESSION = "SELECT pg_backend_pid()"'


@pytest.fixture
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, which waits for the disk, but writes no WAL unasked."""
    with Postgres(durable=True, wal_writer_delay="10s", checkpoint_timeout="1h") as server:
        yield server


def send_from_many(cluster: Cluster) -> None:
    """Let a dozen post at once without a pause, and two of them listen."""
    members = cluster.team.people(*(f"p{number}" for number in range(12)))
    group = cluster.team.group(*members)
    for member in members[:2]:
        cluster.listen(member, group)
    for number, member in enumerate(members):
        cluster.send(member, group, cluster.ports[number % 2])


def hold_the_log_until_batches_wait(connection: Connection) -> None:
    connection.execute("SELECT FROM log_head FOR UPDATE")
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    until(lambda: connection.execute(query).fetchone() != (0,), "posts that wait for the log")


def test_batches_and_transactions_that_dawdle_and_roll_back_share_one_order(
    cluster: Cluster,
) -> None:
    # Threads write here, and the follower lives in one alone.
    del cluster.app.extensions["chatapp.doorbell"]
    reader = Reader(cluster.app)
    reader.start()
    send_from_many(cluster)
    threads = gevent.get_hub().threadpool
    written = [threads.spawn(write, cluster.app, writer) for writer in range(8)]
    committed = [name for result in written for name in result.get() or ()]
    cluster.until_acknowledged(3)
    verdict = cluster.verdict()
    reader.finish.set()
    reader.join()
    assert verdict.is_clean, verdict
    assert verdict.acknowledged > len(cluster.senders) * 3
    assert set(committed) <= set(reader.seen)
    assert reader.positions == list(range(1, len(reader.positions) + 1))


def test_workers_killed_in_the_middle_of_a_batch_lose_and_double_nothing(
    cluster: Cluster, database_url: str
) -> None:
    send_from_many(cluster)
    with psycopg.connect(database_url) as connection:
        for _ in range(3):
            cluster.until_acknowledged(2)
            hold_the_log_until_batches_wait(connection)
            for worker in cluster.workers():
                cluster.kill(worker, signal.SIGKILL)
            connection.rollback()
    cluster.until_acknowledged(3)
    verdict = cluster.verdict()
    assert verdict.is_clean, verdict


def test_a_database_restarted_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    mortal: Postgres, redis_server: RedisServer, tmp_path: Path
) -> None:
    url = migrated(mortal, tmp_path)
    with Cluster(tmp_path, url, redis_server.url) as cluster:
        workers = cluster.workers()
        send_from_many(cluster)
        for _ in range(3):
            cluster.until_acknowledged(2)
            connection = psycopg.connect(url)
            hold_the_log_until_batches_wait(connection)
            mortal.restart_aside()
            connection.close()
        cluster.until_acknowledged(3)
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        # A server hangs up on who says nothing for its `keepalive`, and a busy machine may keep a
        # sender here from it so long. No worker has died.
        assert cluster.failures() <= {"503", "ConnectionResetError"}
        assert cluster.workers() == workers


@pytest.mark.parametrize("waits", [True, False])
def test_nobody_is_answered_before_their_batch_is_on_disk(
    mortal: Postgres, tmp_path: Path, *, waits: bool
) -> None:
    """However the database is set. And the premise: sessions that obeyed it would lose some."""
    url = migrated(mortal, tmp_path)
    mortal.execute("ALTER DATABASE chat SET synchronous_commit = off")
    obedient = {} if waits else sabotage(tmp_path / "obedient", "chatapp.models.engine", OBEDIENT)
    with Cluster(tmp_path, url, None, **obedient) as cluster:
        send_from_many(cluster)
        for _ in range(3):
            cluster.until_acknowledged(2)
            mortal.restart_aside()
        for sender in cluster.senders:
            sender.stop()
        kept = {row[0] for row in mortal.execute("SELECT id FROM messages", "chat")}
        acknowledged = {id_ for one in cluster.senders for id_ in one.acknowledged.values()}
        assert (acknowledged <= kept) is waits
