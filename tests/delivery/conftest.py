"""People of a real server: rows made beside it, calls and streams over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatapp import create_app
from tests.support.http import Http
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Person, Team


@pytest.fixture
def team(server: Server) -> Iterator[Team]:
    """People and conversations in the running server's database, made as ``flask`` commands do."""
    app = create_app(settings_for(server.data_dir))
    yield Team(app)
    app.extensions["chatapp"].stop()


@pytest.fixture
def http(server: Server) -> Iterator[Http]:
    """Calls of the server, as anybody."""
    with Http(server.url) as http:
        yield http


@pytest.fixture
def ann(team: Team) -> Person:
    return team.person("ann")


@pytest.fixture
def bob(team: Team) -> Person:
    return team.person("bob")


@pytest.fixture
def dm(team: Team, ann: Person, bob: Person) -> str:
    return team.dm(ann, bob)
