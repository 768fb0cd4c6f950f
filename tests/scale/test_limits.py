"""How often somebody may try, counted by all processes together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scale.guesses import guess
from tests.support.cluster import Cluster
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.wait import until

pytestmark = pytest.mark.scale


def test_guesses_are_counted_across_processes(cluster: Cluster) -> None:
    cluster.team.person("ann")
    statuses = [guess(cluster.servers[number % 2].url, number) for number in range(8)]
    assert statuses[5:] == [429] * 3
    assert 429 not in statuses[:5]


def test_guesses_are_refused_with_redis_down_too(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    cluster.team.person("ann")
    redis_server.kill()
    # Each of the two workers of this server may let five through.
    statuses = [guess(cluster.servers[0].url, number) for number in range(14)]
    assert 429 in statuses
    assert set(statuses) <= {200, 400, 401, 422, 429}


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


def test_posts_are_limited_with_redis_down_too(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = {"CHAT_POSTS_PER_MINUTE": "5"}
    with Cluster(tmp_path, database_url, redis_server.url, **env) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        redis_server.kill()
        body = {"directMessageId": dm, "content": "Again"}
        answers = [
            call(cluster.ports[number % 2], "POST", "/api/messages", ann.token, body).status
            for number in range(40)
        ]
        # Each of the four workers lets five through, and what refills meanwhile.
        assert set(answers) == {201, 429}
