"""Redis rings the bell: what processes hear of each other with it, and without it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.scale.bells import DEAF_AT_FIRST, NO_POLL, say_while_cut, until_all_show
from tests.support.cluster import Cluster
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.server import Server
from tests.support.wait import until

pytestmark = pytest.mark.scale


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """The one of this file."""
    return shared_cluster


@pytest.fixture
def unpolled(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Cluster:
    """A cluster that hears by the doorbell alone."""
    env = sabotage(tmp_path / "no-poll", "chatapp.realtime.doorbell", NO_POLL)
    return Cluster(tmp_path, database_url, redis_server.url, **env)


def test_messages_of_all_workers_reach_everybody_in_one_order(cluster: Cluster) -> None:
    cluster.storm()
    cluster.until_acknowledged(20)
    verdict = cluster.verdict()
    assert verdict.is_clean, verdict
    assert len({tuple(listener.shown) for listener in cluster.listeners}) == 1


def test_the_doorbell_alone_brings_everything(unpolled: Cluster) -> None:
    with unpolled as cluster:
        cluster.storm(2)
        cluster.until_acknowledged(20)
        assert cluster.verdict().is_clean


def test_a_subscription_that_was_cut_is_a_ring_when_it_is_back(
    unpolled: Cluster, redis_server: RedisServer
) -> None:
    with unpolled as cluster:
        say_while_cut(cluster, redis_server, "While cut")
        # Nobody says anything more: it is the subscription's return that rings.
        until_all_show(cluster, "While cut")


def test_a_deaf_subscription_is_noticed_and_made_anew(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = sabotage(tmp_path / "deaf", "chatapp.realtime.doorbell", NO_POLL + DEAF_AT_FIRST)
    with Cluster(tmp_path, database_url, redis_server.url, **env) as cluster:
        cluster.storm(2)
        cluster.until_acknowledged(5)
        assert cluster.verdict().is_clean
        for server in cluster.servers:
            until(partial(_bells_are_back, server, 2), "bells that ring again")
            assert len(server.log_lines(event="doorbell_lost")) == 2


def _bells_are_back(server: Server, count: int) -> bool:
    return len(server.log_lines(event="doorbell_back")) == count


def test_typing_crosses_and_comes_once(cluster: Cluster) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    until(lambda: cluster.ready(0)["doorbell"] == cluster.ready(1)["doorbell"] == "ok", "bells")
    cluster.listen(bob, dm)
    call(cluster.ports[0], "POST", f"/api/conversations/{dm}/typing", ann.token)
    until(lambda: all(listener.typing for listener in cluster.listeners), "typing in every stream")
    cluster.send(ann, dm, cluster.ports[0])
    cluster.until_acknowledged(3)
    assert cluster.verdict().is_clean
    assert [listener.typing for listener in cluster.listeners] == [[ann.id]] * 6


def test_a_dead_redis_costs_no_message_and_is_reported(
    cluster: Cluster, shared_redis: RedisServer
) -> None:
    cluster.until_all_say(code="200", status="ok", doorbell="ok")
    cluster.storm()
    cluster.until_acknowledged(5)
    shared_redis.kill()
    cluster.until_acknowledged(10)
    cluster.until_all_say(code="200", status="degraded", database="ok", log="ok")
    assert cluster.verdict().is_clean
    assert cluster.failures() == set()
    shared_redis.start()
    cluster.until_all_say(code="200", status="ok")


def test_a_frozen_redis_holds_up_nobody(cluster: Cluster, shared_redis: RedisServer) -> None:
    cluster.storm()
    cluster.until_acknowledged(5)
    shared_redis.freeze()
    cluster.until_acknowledged(10)
    cluster.until_all_say(code="200", status="degraded")
    cluster.until_acknowledged(3)
    shared_redis.thaw()
    cluster.until_all_say(code="200", status="ok")
    assert cluster.verdict().is_clean
    assert cluster.failures() == set()


def test_a_removal_reaches_every_worker_with_redis_down(
    cluster: Cluster, shared_redis: RedisServer
) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    group, dm = cluster.team.group(ann, bob), cluster.team.dm(ann, bob)
    cluster.listen(bob, group, dm)
    shared_redis.kill()
    removed = call(cluster.ports[0], "DELETE", f"/api/groups/{group}/members/{bob.id}", ann.token)
    assert removed.status == 204
    secret = {"groupId": group, "content": "Not for bob"}
    assert call(cluster.ports[1], "POST", "/api/messages", ann.token, secret).status == 201
    fence = {"directMessageId": dm, "content": "Fence"}
    assert call(cluster.ports[1], "POST", "/api/messages", ann.token, fence).status == 201
    until(
        lambda: all("Fence" in listener.shown.values() for listener in cluster.listeners), "fence"
    )
    for listener in cluster.listeners:
        assert "Not for bob" not in listener.shown.values()
