"""The pages: complete with links and forms alone, made live by JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Hang the pages, their filters and their error pages on ``app``."""
    # Imported here: each module's views are on the blueprint once it is loaded.
    from chatapp.web import (
        admin,
        conversations,
        details,
        direct_messages,
        entrance,
        filters,
        groups,
        messages,
        people,
        profile,
    )
    from chatapp.web.blueprint import blueprint

    del admin, conversations, details, direct_messages, entrance, groups, messages, people, profile
    # The blanks around {% %} are half of a list's bytes.
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    filters.init_app(app)
    app.register_blueprint(blueprint)
