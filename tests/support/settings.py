"""Settings for an application under test."""

from __future__ import annotations

from pathlib import Path

from chatapp.config import Settings


def settings_for(data_dir: Path, **env: str) -> Settings:
    """Return the settings of an environment that holds nothing but ``env``."""
    return Settings.from_env({"CHAT_DATA_DIR": str(data_dir), **env})
