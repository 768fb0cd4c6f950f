"""How often somebody may try, counted by all processes together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scale.guesses import guess
from tests.support.cluster import Cluster
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.wait import until

pytestmark = pytest.mark.scale

AWAY = [RedisServer.kill, RedisServer.freeze]


def test_guesses_are_counted_across_processes(cluster: Cluster) -> None:
    cluster.team.person("ann")
    statuses = [guess(cluster.servers[number % 2].url, number) for number in range(8)]
    assert statuses[5:] == [429] * 3
    assert 429 not in statuses[:5]


@pytest.mark.parametrize("away", AWAY)
def test_with_redis_away_each_process_refuses_by_what_it_has_counted_itself(
    database_url: str,
    redis_server: RedisServer,
    tmp_path: Path,
    away: Callable[[RedisServer], None],
) -> None:
    with Cluster(tmp_path, database_url, redis_server.url, WEB_CONCURRENCY="1") as cluster:
        cluster.team.person("ann")
        one, two = (server.url for server in cluster.servers)
        assert 429 not in [guess(one, number) for number in range(3)]
        away(redis_server)
        assert [guess(one, number) == 429 for number in range(4)] == [False] * 2 + [True] * 2
        assert [guess(two, number) == 429 for number in range(7)] == [False] * 5 + [True] * 2
        for server in cluster.servers:
            assert server.log_lines(event="limits_alone")


def test_posts_are_counted_across_processes(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = {"CHAT_POSTS_PER_MINUTE": "10"}
    with Cluster(tmp_path, database_url, redis_server.url, **env) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        until(lambda: redis_server.listeners() == 4, "four subscriptions")
        body = {"directMessageId": dm, "content": "Again"}
        answers = [
            call(cluster.ports[number % 2], "POST", "/api/messages", ann.token, body).status
            for number in range(24)
        ]
        # What another process has let through is known a moment later; ten refill in a minute.
        assert answers.count(201) < 20
        assert 429 in answers


@pytest.mark.parametrize("away", AWAY)
def test_with_redis_away_each_process_limits_the_posts_that_come_to_it(
    database_url: str,
    redis_server: RedisServer,
    tmp_path: Path,
    away: Callable[[RedisServer], None],
) -> None:
    # Two a minute, so that none refills meanwhile: that takes half a minute.
    env = {"CHAT_POSTS_PER_MINUTE": "2", "WEB_CONCURRENCY": "1"}
    with Cluster(tmp_path, database_url, redis_server.url, **env) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        body = {"directMessageId": cluster.team.dm(ann, bob), "content": "Again"}
        away(redis_server)
        for port in cluster.ports:
            answers = [call(port, "POST", "/api/messages", ann.token, body) for _ in range(4)]
            assert [answer.status for answer in answers] == [201, 201, 429, 429]
