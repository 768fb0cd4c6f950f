"""Nobody but the server's own user may read what people wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp import backup, create_app
from chatapp.start import ready_data
from tests.support import apps
from tests.support.settings import settings_for


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_the_files_of_the_database_are_private_also_in_a_folder_that_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    settings = settings_for(folder)
    assert ready_data(settings)
    app = create_app(settings)
    with app.test_client() as client:
        assert client.get("/readyz").status_code in (200, 503)
    modes = {path.name: oct(path.stat().st_mode & 0o077) for path in folder.iterdir()}
    apps.close(app)
    assert {"chat.db", "chat.db-wal", "chat.db-shm"} <= modes.keys()
    assert set(modes.values()) == {"0o0"}


@pytest.mark.sqlite
@pytest.mark.usefixtures("_open_umask")
def test_a_backup_and_what_was_restored_are_private_too(data_dir: Path, tmp_path: Path) -> None:
    live, target = data_dir / "chat.db", tmp_path / "backup"
    backup.write_backup(live, target)
    assert target.stat().st_mode & 0o077 == 0
    target.chmod(0o644)  # as a copy from elsewhere may be
    backup.restore_backup(target, live)
    assert live.stat().st_mode & 0o077 == 0
