"""chatapp: a self-hosted team chat."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from chatapp.config import Settings

ROOT = Path(__file__).parent.parent


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application, wired together; ``settings`` default to the environment's.

    Raises:
        ConfigError: a setting cannot be used.
    """
    # Imported here so that gunicorn's arbiter, which needs only the settings, stays free of the
    # application: a reload must run the code that is on disk then.
    from flask import Flask

    from chatapp import (
        api,
        cli,
        extensions,
        identity,
        metrics,
        request_body,
        security,
        static_files,
        throttle,
        web,
    )
    from chatapp.api import delivery, outages, problems
    from chatapp.config import Settings

    settings = settings or Settings.from_env()
    app = Flask(__name__, root_path=str(ROOT), static_folder=None)
    # Flask looks at each hook and view, at each call, for whether it is a coroutine: once will do.
    # Bounded, since it also sees what `after_this_request` is given, which may be new each time.
    seen = lru_cache(maxsize=512)(app.ensure_sync)
    setattr(app, "ensure_sync", seen)  # noqa: B010 (mypy knows it as a method)
    extensions.init_app(app, settings)
    security.init_app(app, settings)
    request_body.init_app(app)
    static_files.init_app(app)
    identity.init_app(app)
    throttle.init_app(app, settings)
    problems.init_app(app)
    outages.init_app(app)
    metrics.init_app(app)
    api.init_app(app)
    web.init_app(app)
    cli.init_app(app)
    delivery.init_app(app, settings)
    return app
