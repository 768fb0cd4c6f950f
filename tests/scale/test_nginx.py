"""nginx with the site that we ship, in front of two servers of two workers each."""

from __future__ import annotations

import re
from functools import partial

import pytest

from tests.support.cluster import Cluster
from tests.support.nginx import Nginx
from tests.support.raw_http import call, connect, read_head, request_bytes
from tests.support.strace import require
from tests.support.wait import until

pytestmark = pytest.mark.scale


@pytest.fixture(autouse=True)
def _installed() -> None:
    require("nginx")


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """The one of this file."""
    return shared_cluster


def posts(port: int) -> int:
    """Return how many messages a worker has taken since it started."""
    metrics = call(port, "GET", "/metrics").body.decode()
    found = re.search(r"^chatapp_post_seconds_count (\d+)", metrics, re.MULTILINE)
    return int(found[1]) if found else 0


def is_refused(port: int) -> bool:
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_rolling_restart_under_load_fails_no_post_and_loses_no_event(cluster: Cluster) -> None:
    with Nginx(cluster.ports) as nginx:
        members = cluster.team.people(*(f"p{number}" for number in range(4)))
        group = cluster.team.group(*members)
        for member in members:
            cluster.listen(member, group, ports=[nginx.port] * 2)
            cluster.send(member, group, nginx.port)
        cluster.until_acknowledged(10)
        for server in cluster.servers:
            server.stop()
            server.start()
            until(partial(posts, server.port), "posts through the new server")
        cluster.until_acknowledged(10)
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert [dict(sender.failures) for sender in cluster.senders] == [{}] * 4
        # Each stream was told goodbye by the server that held it; none was just cut.
        for listener in cluster.listeners:
            assert listener.connections == 1 + listener.told["reconnect:restart"]


def test_a_stream_begins_at_once_and_is_not_buffered(cluster: Cluster) -> None:
    ann = cluster.team.person("ann")
    with Nginx(cluster.ports) as nginx:
        stream = connect(nginx.port)
        stream.sendall(request_bytes("GET", "/api/sse", ann.token))
        status, headers, rest = read_head(stream)
        assert status == 200
        assert headers["content-type"].startswith("text/event-stream")
        while b"event: ready" not in rest:
            piece = stream.recv(4096)
            assert piece
            rest += piece
        stream.close()


def test_one_server_that_is_gone_is_not_noticed(cluster: Cluster) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    with Nginx(cluster.ports) as nginx:
        cluster.servers[1].kill()
        until(lambda: is_refused(cluster.ports[1]), "a port that nobody listens on")
        body = {"directMessageId": dm, "content": "Through the other"}
        answers = [call(nginx.port, "POST", "/api/messages", ann.token, body) for _ in range(6)]
        assert [answer.status for answer in answers] == [201] * 6
