"""Fixtures for every test; what they hand out is in tests/support.

Nothing is monkey-patched here: the app works in one thread either way, and Playwright, which has
greenlets of its own, would not. What needs the patches is tested against a real gunicorn.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask

from chatapp import create_app
from tests.support import apps
from tests.support.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.support.postgres import Postgres
from tests.support.routes import SharedRule
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.suites import Suites, sendable
from tests.support.team import Person, Team
from tests.support.templates import SharedTemplates

ENGINES = ("sqlite", "postgresql")
UNIT = Path(__file__).parent / "unit"
#: Whose tests run on both engines, and whose on either: what a browser sees costs minutes.
ON_BOTH = {UNIT, UNIT.parent / "delivery"}
ON_EITHER = ON_BOTH | {UNIT.parent / "browser"}

# Flask's own hooks, and the applications are none the wiser: they start in a fifth of the time, and
# show their first page at once.
Flask.url_rule_class = SharedRule
Flask.jinja_options = {"bytecode_cache": SharedTemplates()}


def pytest_addoption(parser: pytest.Parser) -> None:
    help_ = "the database of the tests: both runs those of unit and delivery on one, then the other"
    parser.addoption("--engine", choices=(*ENGINES, "both"), default="sqlite", help=help_)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return Suites(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    return sendable((yield))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what has a database of no special kind on each engine that is asked for."""
    wanted = metafunc.config.getoption("--engine")
    if wanted == "sqlite" or not _has_any_database(metafunc):
        return
    engines = ENGINES if wanted == "both" else (wanted,)
    metafunc.parametrize("engine", engines, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is `long`, unless it is asked for: `scripts/faults --long`.

    On PostgreSQL alone, leave out unit tests that ask for no database, or for SQLite, too.
    """
    chosen = items[:]
    if "long" not in config.option.markexpr:
        chosen = [item for item in chosen if not item.get_closest_marker("long")]
    if config.getoption("--engine") == "postgresql":
        chosen = [item for item in chosen if UNIT not in item.path.parents or _has_engine(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _has_engine(item: pytest.Item) -> bool:
    return hasattr(item, "callspec") and "engine" in item.callspec.params


def _has_any_database(metafunc: pytest.Metafunc) -> bool:
    test = metafunc.definition
    asks = "databases" in metafunc.fixturenames and test.get_closest_marker("sqlite") is None
    wanted = ON_BOTH if metafunc.config.getoption("--engine") == "both" else ON_EITHER
    return asks and bool(wanted & {*test.path.parents})


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The kind of the application's database."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """What makes empty SQLite databases, whatever engine is tested."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabases]:
    """What makes empty PostgreSQL databases."""
    with Postgres() as server:
        yield PostgresDatabases(tmp_path_factory.mktemp("postgresql"), server)


@pytest.fixture(scope="session")
def databases(engine: str, request: pytest.FixtureRequest) -> Databases:
    """What makes empty databases of the engine that is tested."""
    made: Databases = request.getfixturevalue(engine)
    return made


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
    apps.close(app)


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
def ann(team: Team) -> Person:
    return team.person("ann")


@pytest.fixture
def bob(team: Team) -> Person:
    return team.person("bob")


@pytest.fixture
def dm(team: Team, ann: Person, bob: Person) -> str:
    return team.dm(ann, bob)


@pytest.fixture
def server(data_dir: Path) -> Iterator[Server]:
    """A real gunicorn on a free port, on a data folder of its own."""
    with Server(data_dir) as running:
        yield running
