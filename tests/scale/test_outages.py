"""PostgreSQL goes away and comes back: what was said meanwhile, and what heals."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.support.cluster import Cluster
from tests.support.databases import PostgresDatabases
from tests.support.postgres import Postgres
from tests.support.raw_http import Answer, call
from tests.support.wait import until

pytestmark = pytest.mark.scale

#: A process's connections in these clusters.
CONNECTIONS = 10


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL that these tests stop and start."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def mortal_databases(
    mortal: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> PostgresDatabases:
    return PostgresDatabases(tmp_path_factory.mktemp("mortal"), mortal)


@pytest.fixture
def mortal_url(mortal: Postgres, mortal_databases: PostgresDatabases, tmp_path: Path) -> str:
    """A migrated database in it."""
    folder = tmp_path / "database"
    folder.mkdir()
    mortal_databases.make(folder)
    return (folder / "database_url").read_text()


def reads_at_once(cluster: Cluster, token: str, path: str) -> list[Answer]:
    calls = [gevent.spawn(call, cluster.ports[0], "GET", path, token) for _ in range(40)]
    gevent.joinall(calls, raise_error=True)
    return [one.get() for one in calls]


def sessions(postgres: Postgres, url: str) -> int:
    name = url.rpartition("/")[2]
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    return int(postgres.execute(query)[0][0])


def test_no_call_fails_once_a_restart_has_healed(
    mortal: Postgres, mortal_url: str, tmp_path: Path
) -> None:
    with Cluster(tmp_path, mortal_url, None) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        path = f"/api/messages?directMessageId={cluster.team.dm(ann, bob)}"
        others = sessions(mortal, mortal_url)
        until(
            lambda: (
                reads_at_once(cluster, bob.token, path)
                and sessions(mortal, mortal_url) >= others + CONNECTIONS - 2
            ),
            "a full pool",
        )
        mortal.stop(signal.SIGINT)
        mortal.start()
        until(lambda: cluster.ready()["code"] == "200", "a server that is ready")
        answers = reads_at_once(cluster, bob.token, path)
        assert [answer.status for answer in answers] == [200] * len(answers)
