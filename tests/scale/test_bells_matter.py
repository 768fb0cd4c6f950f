"""What makes up for a lost ring, taken away one by one: each time somebody misses a message.

That is seen while the streams are pinged, once a second, for longer than the protection would need.
In the end a ring brings what was missed: the streams were well, and only had not been told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scale.bells import (
    DEAF_AT_FIRST,
    NO_POLL,
    listen_for,
    say,
    say_while_cut,
    until_all_show,
)
from tests.support.cluster import Cluster
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.scale

PING_OFTEN = """
from chatapp.realtime import heartbeat
heartbeat.INTERVAL = 1
"""
NO_RING_ON_RETURN = """
def _subscribed(self):
    self._hears = True

Doorbell._subscribed = _subscribed
"""
#: With the probe this would take a second until it is noticed.
NO_PROBE = """
SILENCE = ECHO = 0.5

def _listen(self, subscription):
    subscription.subscribe(self._channel)
    while True:
        if (message := subscription.get_message(timeout=SILENCE)) is not None:
            self._take(message)

Doorbell._listen = _listen
"""


@pytest.fixture
def deprived(
    request: pytest.FixtureRequest, database_url: str, redis_server: RedisServer, tmp_path: Path
) -> Cluster:
    """Two servers of one worker each, whose doorbell is changed in a test's own way."""
    code = f"{PING_OFTEN}{NO_POLL}{request.param}"
    env = sabotage(tmp_path / "deprived", "chatapp.realtime.doorbell", code)
    return Cluster(tmp_path, database_url, redis_server.url, WEB_CONCURRENCY="1", **env)


def is_missed(cluster: Cluster, text: str) -> bool:
    """Whether nobody on the second server shows it, after four more pings of each of them."""
    there = [one for one in cluster.listeners if one.port == cluster.ports[1]]
    goals = [(one, one.heard + 4) for one in there]
    until(lambda: all(one.heard >= goal for one, goal in goals), "four pings")
    return not any(text in one.shown.values() for one in there)


@pytest.mark.parametrize("deprived", [""], indirect=True, ids=["NO_POLL"])
def test_without_looking_by_oneself_a_dead_redis_would_keep_messages_back(
    deprived: Cluster, redis_server: RedisServer
) -> None:
    with deprived as cluster:
        ann, dm = listen_for(cluster)
        redis_server.kill()
        say(cluster, ann, dm, "Untold")
        assert is_missed(cluster, "Untold")
        redis_server.start()
        until_all_show(cluster, "Untold")


@pytest.mark.parametrize("deprived", [NO_RING_ON_RETURN], indirect=True, ids=["NO_RING"])
def test_without_a_ring_on_its_return_a_subscription_would_have_missed_what_was_said(
    deprived: Cluster, redis_server: RedisServer
) -> None:
    with deprived as cluster:
        ann, dm = say_while_cut(cluster, redis_server, "While cut")
        until(lambda: redis_server.listeners() == 2, "both subscriptions again")
        assert is_missed(cluster, "While cut")
        say(cluster, ann, dm, "Told")
        until_all_show(cluster, "While cut")


@pytest.mark.parametrize("deprived", [DEAF_AT_FIRST + NO_PROBE], indirect=True, ids=["NO_PROBE"])
def test_without_a_probe_a_deaf_subscription_would_stay_deaf(
    deprived: Cluster, redis_server: RedisServer
) -> None:
    with deprived as cluster:
        ann, dm = listen_for(cluster)
        say(cluster, ann, dm, "Into deaf ears")
        assert is_missed(cluster, "Into deaf ears")
        redis_server.call("CLIENT", "KILL", "TYPE", "pubsub")
        until_all_show(cluster, "Into deaf ears")
