"""Real servers for the tests of this folder; each test has a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.databases import PostgresDatabases
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer


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


@pytest.fixture
def cluster(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Cluster]:
    """Two servers of two workers each."""
    with Cluster(tmp_path, database_url, redis_server.url) as running:
        yield running
