"""Settings for an application under test."""

from __future__ import annotations

from pathlib import Path

from chatapp.config import Settings


def settings_for(data_dir: Path, **env: str) -> Settings:
    """Return the settings of an environment that holds nothing but ``env``.

    The folder's file ``database_url`` names its database, where that is not SQLite's.
    """
    return Settings.from_env(environment_for(data_dir) | env)


def environment_for(data_dir: Path) -> dict[str, str]:
    """Return the settings that lead to the data folder and its database."""
    env = {"CHAT_DATA_DIR": str(data_dir)}
    url = data_dir / "database_url"
    if url.exists():
        # As many as a test has greenlets: here one that waits for a connection stops them all.
        env |= {"DATABASE_URL": url.read_text(), "CHAT_DATABASE_CONNECTIONS": "40"}
    return env
