"""What the settings make of the data folder: where the database is, and the key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatapp import create_app
from chatapp.config import ConfigError
from chatapp.extensions import db
from chatapp.guard import database_file
from chatapp.start import ready_data
from tests.support.settings import settings_for


@pytest.mark.parametrize("name", ["what?ever=1", "100%41", "a #+&'\" folder", "Übung"])
def test_the_database_is_in_its_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    settings = settings_for(folder)
    ready_data(settings)
    assert (folder / "chat.db").stat().st_size
    assert database_file(settings) == (folder / "chat.db").resolve()
    app = create_app(settings)
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("held", [b"", b"\n", b"\xff\xfe"])
def test_a_key_that_is_none_is_refused_by_the_name_of_its_file(tmp_path: Path, held: bytes) -> None:
    key = tmp_path / "secret_key"
    key.write_bytes(held)
    with pytest.raises(ConfigError, match="holds no key") as refused:
        settings_for(tmp_path)
    assert str(key) in str(refused.value)


def test_a_key_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []

    def sync(descriptor: int) -> None:
        synced.append(Path(f"/dev/fd/{descriptor}").read_bytes())

    monkeypatch.setattr(os, "fsync", sync)
    link = os.link

    def linked(source: Path, target: Path) -> None:
        assert synced == [Path(source).read_bytes()]
        link(source, target)

    monkeypatch.setattr(os, "link", linked)
    assert settings_for(tmp_path).secret_key == synced[0].decode().strip()
