"""People of a real server: rows made beside it, calls and streams over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatapp import create_app
from tests.support import apps
from tests.support.databases import Databases
from tests.support.http import Http
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Newcomers, Team


@pytest.fixture(scope="session")
def shared_server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shared") / "data"
    folder.mkdir()
    databases.make(folder)
    with Server(folder) as running:
        yield running


@pytest.fixture
def server(shared_server: Server) -> Server:
    """A real gunicorn, which all these tests share; they may kill it and stop it."""
    if not shared_server.answers():
        shared_server.start()
    return shared_server


@pytest.fixture
def team(server: Server) -> Iterator[Team]:
    """People and conversations in the running server's database, made as ``flask`` commands do."""
    app = create_app(settings_for(server.data_dir))
    yield Newcomers(app)
    apps.close(app)


@pytest.fixture
def http(server: Server) -> Iterator[Http]:
    """Calls of the server, as anybody."""
    with Http(server.url) as http:
        yield http
