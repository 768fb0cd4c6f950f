"""Make the data ready to be served: in a child of the arbiter, which itself has no application."""

import os

from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app

from chatapp import create_app
from chatapp.config import Settings
from chatapp.domain.setup import ensure_setup_token
from chatapp.extensions import db
from chatapp.guard import refuse


def ready_data(settings: Settings) -> str | None:
    """Bring the schema to its head; fill the demo team where `CHAT_DEMO` is set.

    Returns the path of the page that makes the first administrator, if there is none yet.
    """
    app = create_app(settings)
    with app.app_context():
        migrate()
        if os.environ.get("CHAT_DEMO"):
            fill_demo(app)
            return None
        token = ensure_setup_token()
    return f"/set-up/{token}" if token else None


def migrate() -> None:
    """Upgrade the schema, or leave if a newer program has made it."""
    config = current_app.extensions["migrate"].migrate.get_config()
    scripts = ScriptDirectory.from_config(config)
    with db.engine.connect() as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := found - {script.revision for script in scripts.walk_revisions()}:
        refuse(f"a newer chatapp has changed this database (schema {unknown.pop()}); update first")
    if found != set(scripts.get_heads()):
        command.upgrade(config, "head")


def fill_demo(app: Flask) -> None:
    """Run `flask demo`, which prints its sign-ins."""
    app.cli.commands["demo"].main(args=[], standalone_mode=False)
