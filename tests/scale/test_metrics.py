"""Several workers behind one port: whichever is asked, it answers for all of them."""

from __future__ import annotations

import signal

import pytest

from tests.support import raw_http as http
from tests.support.cluster import Cluster
from tests.support.metrics import metric
from tests.support.wait import until

pytestmark = pytest.mark.scale

STREAMS, SENDS = 12, 5
#: As often as no two workers share by chance.
ASKED = 20


def metrics(cluster: Cluster, name: str) -> set[float]:
    """Return what the first server's workers say."""
    return {metric(cluster.ports[0], name) for _ in range(ASKED)}


def test_every_worker_tells_the_numbers_of_all_and_a_killed_one_takes_its_streams_along(
    shared_cluster: Cluster,
) -> None:
    cluster = shared_cluster
    ann = cluster.team.person("ann")
    group = cluster.team.group(ann)
    for _ in range(STREAMS // 3):
        cluster.listen(ann, group, ports=cluster.ports[:1])
    until(lambda: metrics(cluster, "chatapp_streams") == {STREAMS}, "all streams")
    for number in range(SENDS):
        body = {"groupId": group, "content": f"line {number}"}
        answer = http.call(cluster.ports[0], "POST", "/api/messages", ann.token, body)
        assert answer.status == 201
    posts = "chatapp_post_seconds_count"
    assert metrics(cluster, posts) == {SENDS}
    until(lambda: all(len(one.shown) == SENDS for one in cluster.listeners), "the messages")
    cluster.kill(cluster.workers()[0], signal.SIGKILL)
    until(lambda: any(one.connections > 1 for one in cluster.listeners), "streams that broke")
    until(lambda: all(one.is_live for one in cluster.listeners), "streams that are back")
    until(lambda: metrics(cluster, "chatapp_streams") == {STREAMS}, "all streams again")
    assert metrics(cluster, posts) == {SENDS}
