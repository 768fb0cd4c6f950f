"""pgbouncer in between, in its strictest mode: a transaction has a connection, a session none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scale.refusals import one_line, refusal
from tests.support.cluster import Cluster
from tests.support.pgbouncer import Pgbouncer
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer
from tests.support.server import Server
from tests.support.strace import require

pytestmark = pytest.mark.scale

#: It would refuse to start a session that brings our limits; so it drops them.
DROPS_OPTIONS = "ignore_startup_parameters = options,extra_float_digits"


@pytest.fixture(autouse=True)
def _installed() -> None:
    require("pgbouncer")


@pytest.fixture
def limited(database_url: str, postgres: Postgres) -> Iterator[str]:
    """The name of a database that has our limit by itself."""
    name = database_url.rpartition("/")[2]
    role = f'ALTER ROLE chat IN DATABASE "{name}"'
    postgres.execute(f"{role} SET idle_in_transaction_session_timeout = '8s'")
    yield name
    postgres.execute(f"{role} RESET ALL")


def test_a_storm_through_pgbouncer_loses_nothing(
    limited: str, postgres: Postgres, redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        Pgbouncer(postgres, DROPS_OPTIONS) as pgbouncer,
        Cluster(tmp_path, pgbouncer.url(limited), redis_server.url) as cluster,
    ):
        cluster.storm()
        cluster.until_acknowledged(20)
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert [dict(sender.failures) for sender in cluster.senders] == [{}] * 4
        assert "prepared statement" not in "".join(server.output() for server in cluster.servers)


def test_no_lock_is_left_with_a_connection_that_others_use_next(
    limited: str, postgres: Postgres, tmp_path: Path
) -> None:
    with (
        Pgbouncer(postgres, DROPS_OPTIONS) as pgbouncer,
        Server(tmp_path / "alone", None, DATABASE_URL=pgbouncer.url(limited)) as server,
    ):
        assert server.answers()
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert postgres.execute(locks, limited) == [(0,)]


def test_limits_that_are_dropped_on_the_way_are_refused(
    database_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    with Pgbouncer(postgres, DROPS_OPTIONS) as pgbouncer:
        url = pgbouncer.url(database_url.rpartition("/")[2])
        assert "ALTER ROLE" in one_line(refusal(tmp_path, DATABASE_URL=url))


def test_limits_that_are_refused_on_the_way_are_one_line(
    database_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    with Pgbouncer(postgres, "ignore_startup_parameters = extra_float_digits") as pgbouncer:
        url = pgbouncer.url(database_url.rpartition("/")[2])
        assert "unsupported startup parameter" in one_line(refusal(tmp_path, DATABASE_URL=url))
