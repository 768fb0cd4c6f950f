"""What must hold while PostgreSQL says nothing, whatever keeps it from speaking."""

from __future__ import annotations

from contextlib import AbstractContextManager

import gevent

from tests.support.cluster import Cluster
from tests.support.raw_http import call


def expect_503_until_it_speaks(cluster: Cluster, silence: AbstractContextManager[None]) -> None:
    """Everything is said not to be ready, streams stay, and nothing is lost."""
    cluster.storm()
    cluster.until_acknowledged(5)
    with silence:
        asked = [gevent.spawn(cluster.ready, number % 2) for number in range(8)]
        alive = [call(port, "GET", "/healthz").status for port in cluster.ports * 6]
        assert alive == [200] * 12
        gevent.joinall(asked, raise_error=True)
        said = [greenlet.get() for greenlet in asked]
        assert {(one["code"], one["database"]) for one in said} == {("503", "unreachable")}
        streams = {listener.connections for listener in cluster.listeners}
    cluster.until_acknowledged(5)
    cluster.until_all_say(code="200", status="ok")
    verdict = cluster.verdict()
    assert verdict.is_clean, verdict
    assert streams == {listener.connections for listener in cluster.listeners} == {1}
    # Each send was answered: none waited as long as TCP itself does, some 15 minutes.
    assert cluster.failures() == {"503"}
