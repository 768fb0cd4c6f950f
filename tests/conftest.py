"""Fixtures for every test; what they hand out is in tests/support.

Nothing is monkey-patched here: the app works in one thread either way, and Playwright, which has
greenlets of its own, would not. What needs the patches is tested against a real gunicorn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from flask import Flask

from chatapp import create_app
from chatapp.extensions import db
from tests.support.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.support.postgres import Postgres
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Team

ENGINES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine", choices=ENGINES, default="sqlite", help="the database of the tests' application"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, run what has a database of its own choice: the rest has run on SQLite."""
    if config.getoption("--engine") == "sqlite":
        return
    chosen = [item for item in items if _has_any_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _has_any_database(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return "databases" in fixtures and item.get_closest_marker("sqlite") is None


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    """What makes empty databases of the engine that is tested."""
    folder = tmp_path_factory.mktemp("empty")
    if request.config.getoption("--engine") == "sqlite":
        yield SqliteDatabases(folder)
        return
    with Postgres() as server:
        yield PostgresDatabases(folder, server)


@pytest.fixture
def data_dir(databases: Databases, tmp_path: Path) -> Iterator[Path]:
    """A data folder with a migrated database."""
    folder = tmp_path / "data"
    folder.mkdir()
    databases.make(folder)
    yield folder
    databases.drop(folder)


@pytest.fixture
def app(data_dir: Path) -> Iterator[Flask]:
    """An application of its own for each test."""
    app = create_app(settings_for(data_dir))
    app.testing = True
    if db_is_postgresql(app):
        let_others_run(app)
    yield app
    app.extensions["chatapp"].stop()
    with app.app_context():
        db.engine.dispose()


def db_is_postgresql(app: Flask) -> bool:
    return str(app.config["SQLALCHEMY_DATABASE_URI"]).startswith("postgresql")


def let_others_run(app: Flask) -> None:
    """Switch greenlets after each commit, as a server's waiting for PostgreSQL does.

    Here that waits without a switch: nothing is monkey-patched.
    """
    ring = app.extensions["chatapp.doorbell"]

    def ring_and_switch(*position: int) -> None:
        ring(*position)
        gevent.sleep(0)

    app.extensions["chatapp.doorbell"] = ring_and_switch


@pytest.fixture
def _push_request_context() -> None:
    """Replace pytest-flask's: in its context all requests of a test would share one session."""


@pytest.fixture
def team(app: Flask) -> Team:
    """People and conversations, made by the domain's verbs."""
    return Team(app)


@pytest.fixture
def server(data_dir: Path) -> Iterator[Server]:
    """A real gunicorn on a free port, on a data folder of its own."""
    with Server(data_dir) as running:
        yield running
