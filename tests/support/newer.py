"""A program that is newer than this one: it brings one migration more."""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic.script import ScriptDirectory

from tests.support.sabotage import sabotage
from tests.support.server import ROOT

_MIGRATIONS = ROOT / "migrations"
_LEADS_THERE = """
init_app_here = Migrate.init_app
Migrate.init_app = lambda self, app, db, directory: init_app_here(
    self, app, db, directory={directory!r}
)
"""


def newer_program(folder: Path, migration: str, **facts: str) -> dict[str, str]:
    """Return the environment of a program with this migration behind our last one.

    ``migration`` is a template of its module, which is given the ``head`` and these ``facts``. The
    copy of our migrations that it uses is in ``folder``.
    """
    copy = Path(shutil.copytree(_MIGRATIONS, folder / "migrations"))
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    (copy / "versions" / "newer.py").write_text(migration.format(head=head, **facts))
    return sabotage(
        folder / "newer", "chatapp.extensions", _LEADS_THERE.format(directory=str(copy))
    )
