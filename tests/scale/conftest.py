"""Real servers for the tests of this folder; each test has a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.databases import PostgresDatabases
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer
from tests.support.team import Newcomers


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that no test may stop."""
    with Postgres(max_connections="200") as server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> PostgresDatabases:
    """What makes empty databases in it."""
    return PostgresDatabases(tmp_path_factory.mktemp("empty"), postgres)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL that a file's tests stop and start."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def mortal_databases(
    mortal: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> PostgresDatabases:
    return PostgresDatabases(tmp_path_factory.mktemp("mortal"), mortal)


@pytest.fixture
def mortal_url(
    mortal: Postgres, mortal_databases: PostgresDatabases, tmp_path: Path
) -> Iterator[str]:
    """A migrated database in it, which is there again for the next test, whatever this one does."""
    folder = tmp_path / "database"
    folder.mkdir()
    mortal_databases.make(folder)
    yield (folder / "database_url").read_text()
    mortal.stop()
    (mortal.data / "postgresql.auto.conf").write_text("")
    mortal.start()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis that the test may do anything to."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def database_url(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[str]:
    """A migrated database of the test's own."""
    folder = tmp_path / "database"
    folder.mkdir()
    postgres_databases.make(folder)
    yield (folder / "database_url").read_text()
    postgres_databases.drop(folder)


@pytest.fixture(scope="module")
def shared_redis() -> Iterator[RedisServer]:
    """The Redis of the cluster that a file's tests share; they may kill it."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def standing_cluster(
    postgres_databases: PostgresDatabases,
    shared_redis: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("standing")
    postgres_databases.make(folder)
    url = (folder / "database_url").read_text()
    with Cluster(folder, url, shared_redis.url) as running:
        running.team = Newcomers(running.app)
        yield running
    postgres_databases.drop(folder)


@pytest.fixture
def shared_cluster(standing_cluster: Cluster, shared_redis: RedisServer) -> Iterator[Cluster]:
    """Two servers of two workers each, which a file's tests share; they may stop what is theirs."""
    if not shared_redis.answers():
        shared_redis.start()
    for server in standing_cluster.servers:
        if not server.answers():
            server.start()
    yield standing_cluster
    standing_cluster.leave()


@pytest.fixture
def cluster(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Cluster]:
    """Two servers of two workers each."""
    with Cluster(tmp_path, database_url, redis_server.url) as running:
        yield running
