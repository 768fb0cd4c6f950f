"""Packets to Redis or PostgreSQL vanish: no answer, no error, nothing is closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scale.silence import expect_503_until_it_speaks
from tests.support.cluster import Cluster
from tests.support.databases import migrated
from tests.support.elsewhere import Elsewhere
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer

pytestmark = pytest.mark.scale


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as place:
        yield place


def test_redis_behind_a_dead_network_costs_no_message_and_is_reported(
    database_url: str, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    with (
        RedisServer(elsewhere) as redis_server,
        Cluster(tmp_path, database_url, redis_server.url) as cluster,
    ):
        cluster.until_all_say(code="200", status="ok", doorbell="ok")
        cluster.storm()
        cluster.until_acknowledged(5)
        elsewhere.drop_packets()
        cluster.until_acknowledged(10)
        cluster.until_all_say(code="200", status="degraded", database="ok", log="ok")
        assert cluster.verdict().is_clean
        assert [dict(sender.failures) for sender in cluster.senders] == [{}] * 4
        elsewhere.deliver_packets()
        cluster.until_all_say(code="200", status="ok")


def test_postgresql_behind_a_dead_network_is_a_503_until_it_is_back(
    elsewhere: Elsewhere, redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        Postgres(elsewhere) as postgres,
        Cluster(tmp_path, migrated(postgres, tmp_path), redis_server.url) as cluster,
    ):
        expect_503_until_it_speaks(cluster, elsewhere.silent())
