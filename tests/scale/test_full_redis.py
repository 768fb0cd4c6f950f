"""A Redis whose disk is full: it takes nothing that it would have to save, and rings as ever."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from tests.scale.bells import NO_POLL
from tests.scale.guesses import guess
from tests.support.cluster import Cluster
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.scale


@pytest.fixture
def full_redis(redis_server: RedisServer) -> RedisServer:
    """One that saves what it keeps, as it does where nobody says otherwise, and that cannot."""
    folder = redis_server.call("CONFIG", "GET", "dir")["dir"]
    (Path(folder) / "dump.rdb").mkdir()  # so no file can get this name
    redis_server.call("CONFIG", "SET", "save", "3600 1")
    redis_server.call("BGSAVE")
    info = partial(redis_server.call, "INFO", "persistence")
    until(lambda: info()["rdb_last_bgsave_status"] == "err", "a save that failed")
    with pytest.raises(ResponseError, match="MISCONF"):
        redis_server.call("PING")
    return redis_server


def test_servers_start_and_hear_each_other_and_guesses_are_limited(
    database_url: str, full_redis: RedisServer, tmp_path: Path
) -> None:
    env = sabotage(tmp_path / "no-poll", "chatapp.realtime.doorbell", NO_POLL)
    env |= {"WEB_CONCURRENCY": "1"}
    with Cluster(tmp_path, database_url, full_redis.url, **env) as cluster:
        cluster.until_all_say(code="200", status="ok", doorbell="ok")
        cluster.storm(2)
        cluster.until_acknowledged(10)
        assert cluster.verdict().is_clean
        cluster.team.person("ann")
        statuses = [guess(cluster.servers[0].url, number) for number in range(7)]
        assert statuses[5:] == [429, 429]
        assert 429 not in statuses[:5]


def test_servers_ring_again_when_it_was_away(
    database_url: str, full_redis: RedisServer, tmp_path: Path
) -> None:
    with Cluster(tmp_path, database_url, full_redis.url) as cluster:
        cluster.until_all_say(doorbell="ok")
        cluster.storm(2)
        full_redis.freeze()
        cluster.until_all_say(status="degraded", doorbell="unreachable")
        full_redis.thaw()
        cluster.until_all_say(status="ok", doorbell="ok")
        assert cluster.verdict().is_clean
