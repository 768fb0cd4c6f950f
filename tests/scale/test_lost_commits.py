"""A standby takes over that lacks the last commits, and nobody has said so yet."""

from __future__ import annotations

import pytest

from tests.support.cluster import Cluster
from tests.support.postgres import Postgres
from tests.support.wait import until

pytestmark = pytest.mark.scale

#: Takes the last three events back, and the messages that they were about.
LOSE = """
    BEGIN;
    UPDATE log_head SET position = position - 3;
    DELETE FROM messages WHERE position > (SELECT position FROM log_head);
    DELETE FROM events WHERE position > (SELECT position FROM log_head);
    COMMIT
"""


def test_a_log_that_is_behind_what_was_delivered_begins_anew_by_itself(
    cluster: Cluster, postgres: Postgres, database_url: str
) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    cluster.listen(bob, dm)
    sender = cluster.send(ann, dm, cluster.ports[0])
    cluster.until_acknowledged(10)
    sender.stop()
    last = list(sender.acknowledged.values())[-1]
    until(lambda: all(last in one.shown for one in cluster.listeners), "all messages")
    postgres.execute(LOSE, database_url.rpartition("/")[2])
    for listener in cluster.listeners:
        listener.may_reload = True
    until(lambda: all(one.told["reset:epoch"] for one in cluster.listeners), "a reset for each")
    # One process has begun anew, for all of them.
    assert {one.told["reset:epoch"] for one in cluster.listeners} == {1}
    for name in list(sender.acknowledged)[-3:]:
        del sender.acknowledged[name]
    assert cluster.verdict().is_clean
