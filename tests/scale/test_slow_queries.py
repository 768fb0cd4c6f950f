"""A query that takes its time holds up who asked, and nobody's heartbeat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import psycopg
import pytest

from tests.support.cluster import Cluster
from tests.support.listener import Listener
from tests.support.postgres import waiters
from tests.support.raw_http import call
from tests.support.sabotage import sabotage
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.scale

#: Each stream is pinged each second, not every 20 s; and PostgreSQL lets a query take its time.
PING_OFTEN = """
from chatapp.models import engine
from chatapp.realtime import heartbeat
heartbeat.INTERVAL = 1
engine.POSTGRESQL_LIMITS |= {"statement_timeout": 60_000, "lock_timeout": 60_000}
"""
#: A driver that waits for PostgreSQL in the system's own select, so that nothing else can run.
BLOCKING = """
from gevent import monkey
from chatapp.models.engine import _Impatient

_select = monkey.get_original("select", "select")

def wait(self, gen, interval=0.1, timeout=None):
    try:
        wanted = next(gen)
        while True:
            socket = [self.pgconn.socket]
            readable, writable, _ = _select(socket * (wanted & 1), socket * (wanted >> 1), [], 1)
            if readable or writable:
                wanted = gen.send(len(readable) | len(writable) << 1)
    except StopIteration as result:
        return result.value

_Impatient.wait = wait
"""


@contextmanager
def slow_query(
    folder: Path, database_url: str, code: str = ""
) -> Iterator[tuple[Cluster, Person, list[Listener]]]:
    """Let the first server, one process, wait for a table that somebody has locked.

    Yields two servers, somebody who may ask, and the streams on the first server.
    """
    env = sabotage(folder / "pings", "chatapp.realtime.doorbell", PING_OFTEN + code)
    with (
        Cluster(folder, database_url, None, **env) as cluster,
        psycopg.connect(database_url) as other,
    ):
        ann, bob = cluster.team.people("ann", "bob")
        cluster.listen(bob)
        other.execute("LOCK TABLE memberships IN ACCESS EXCLUSIVE MODE")
        query = gevent.spawn(call, cluster.ports[0], "GET", "/api/conversations", ann.token)
        until(lambda: waiters(other) == 1, "a query that waits")
        yield cluster, ann, [one for one in cluster.listeners if one.port == cluster.ports[0]]
        assert not query.ready()
        other.rollback()
        assert query.get().status == 200


def until_pinged(streams: list[Listener]) -> None:
    goals = [(one, one.heard + 3) for one in streams]
    until(lambda: all(one.heard >= goal for one, goal in goals), "three pings in each stream")


def test_streams_are_pinged_and_calls_answered_during_a_slow_query(
    database_url: str, tmp_path: Path
) -> None:
    with slow_query(tmp_path, database_url) as (cluster, ann, streams):
        until_pinged(streams)
        assert call(cluster.ports[0], "GET", "/api/me", ann.token).status == 200
        assert call(cluster.ports[0], "GET", "/healthz").status == 200


def test_a_driver_that_blocks_would_hold_up_every_stream_of_its_process(
    database_url: str, tmp_path: Path
) -> None:
    with slow_query(tmp_path, database_url, BLOCKING) as (cluster, _, streams):
        heard = [one.heard for one in streams]
        until_pinged([one for one in cluster.listeners if one not in streams])
        # One may have been under way.
        assert all(one.heard <= before + 1 for one, before in zip(streams, heard, strict=True))
