"""Real servers, shared by the tests of this folder: each test has its own database in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
