"""Fixtures for every test; what they hand out is in tests/support.

Nothing is monkey-patched here: the app works in one thread either way, and Playwright, which has
greenlets of its own, would not. What needs the patches is tested against a real gunicorn.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from chatapp import create_app
from chatapp.extensions import db
from chatapp.start import migrate
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Team


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without a row of ours, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    app = create_app(settings_for(folder))
    with app.app_context():
        migrate()
        # Closing the last connection moves everything from the -wal file into the database.
        db.engine.dispose()
    return folder / "chat.db"


@pytest.fixture
def data_dir(empty_database: Path, tmp_path: Path) -> Path:
    """A data folder with a migrated database."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(empty_database, folder / "chat.db")
    return folder


@pytest.fixture
def app(data_dir: Path) -> Iterator[Flask]:
    """An application of its own for each test."""
    app = create_app(settings_for(data_dir))
    app.testing = True
    yield app
    app.extensions["chatapp"].stop()


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
