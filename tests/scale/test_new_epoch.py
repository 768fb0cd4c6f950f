"""History that goes backwards under running servers: nobody goes on as if nothing had happened."""

from __future__ import annotations

import pytest

from chatapp.domain import log
from tests.support.cluster import Cluster
from tests.support.wait import until

pytestmark = pytest.mark.scale


def test_every_stream_is_reset_when_the_log_begins_anew_under_running_servers(
    cluster: Cluster,
) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    cluster.listen(bob, dm)
    cluster.send(ann, dm, cluster.ports[0])
    cluster.until_acknowledged(3)
    with cluster.app.app_context():
        epoch = log.renew_epoch()
    until(
        lambda: all(listener.told["reset:epoch"] for listener in cluster.listeners),
        "a reset for each stream",
    )
    cluster.until_acknowledged(3)
    for listener in cluster.listeners:
        listener.may_reload = True
    assert cluster.verdict().is_clean
    assert all(one.cursor.startswith(f"{epoch}-") for one in cluster.listeners)
