"""A newer chatapp has changed columns beneath servers that still run the older one."""

from __future__ import annotations

import pytest

from tests.support.cluster import Cluster
from tests.support.postgres import Postgres
from tests.support.raw_http import call

pytestmark = pytest.mark.scale

#: By the driver's prepared statements, and by SQLAlchemy's.
PATHS = ["/api/me", "/api/users", "/api/conversations"]
CHANGE = """
    ALTER TABLE users ALTER display_name TYPE varchar(120), ALTER name TYPE varchar(60);
    ALTER TABLE conversations ALTER topic TYPE varchar(300);
    ALTER TABLE messages ALTER client_id TYPE varchar(120)
"""


def test_what_was_prepared_before_goes_on(
    cluster: Cluster, postgres: Postgres, database_url: str
) -> None:
    members = cluster.storm()
    cluster.until_acknowledged(20)

    def statuses() -> set[int]:
        return {
            call(cluster.ports[number % 2], "GET", path, members[0].token).status
            for number in range(20)
            for path in PATHS
        }

    assert statuses() == {200}
    postgres.execute(CHANGE, database_url.rpartition("/")[2])
    assert statuses() <= {200, 503}
    assert statuses() == {200}
    cluster.until_acknowledged(10)
    verdict = cluster.verdict()
    assert verdict.is_clean, verdict
    assert cluster.failures() <= {"503"}
