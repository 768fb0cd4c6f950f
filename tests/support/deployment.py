"""The files of deploy/, read as those read them who run them."""

from __future__ import annotations

import re
from typing import Any

import yaml

from chatapp.config import Settings
from tests.support.server import ROOT

DEPLOY = ROOT / "deploy"


def compose() -> dict[str, Any]:
    """Return the services of compose.yaml, and what else it has."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return content


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile's last stage, each with what it is given."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line]
    last = max(number for number, pair in enumerate(pairs) if pair[0] == "FROM")
    return [(name, given) for name, given in pairs[last:]]


def instruction(name: str) -> str:
    """Return what the last instruction of this name is given."""
    return [given for each, given in instructions() if each == name][-1]


def image_environment() -> dict[str, str]:
    """Return the environment that the image brings."""
    pairs = " ".join(given for name, given in instructions() if name == "ENV").split()
    return dict(pair.split("=", 1) for pair in pairs)


def settings_known() -> set[str]:
    """Return the names that the settings are read from."""
    asked: set[str] = set()

    class Environment(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return super().get(name, default)

    # With a key of its own: else one would be made in the data folder.
    Settings.from_env(Environment(SECRET_KEY="the test's"))
    return asked
