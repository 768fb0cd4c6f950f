"""Scripts, styles and pictures, under a prefix that changes with their content.

So browsers may keep them for a year. The prefix is a folder and not ``?v=``, as the scripts
import each other by relative paths, which a query would not follow.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, send_from_directory

A_YEAR = 365 * 24 * 3600
#: Scripts that are fetched when they are first needed.
LOADED_LATER = {"asking", "editing", "fallback", "leftovers", "presence", "search", "sign_out"}
#: A second later; by tabs that came by plain HTTP; where the details are open.
LOADED_LATER |= {"announcing", "spoken_election", "members"}
#: Never: it tells readers of types.
LOADED_LATER |= {"types"}


def init_app(app: Flask) -> None:
    """Serve ``static/`` as the endpoint ``static``, and give its URLs the version."""
    folder = Path(app.root_path) / "static"
    version = _version(folder)

    def serve(version_asked: str, filename: str) -> Response:
        # A page from before an upgrade asks for the old version: it gets today's, uncached.
        fresh = version_asked == version
        response = send_from_directory(folder, filename, max_age=A_YEAR if fresh else 0)
        if fresh:
            response.cache_control.immutable = True
        # In one piece, so that it is compressed like a page.
        response.direct_passthrough = False
        response.make_sequence()
        # Small files, and many: what browsers do without costs more than it says. Nor is an ETag of
        # use to what never changes: it would, from one machine to the next.
        for name in ("Accept-Ranges", "Content-Disposition", "ETag", "Expires", "Last-Modified"):
            response.headers.pop(name, None)
        # A module is UTF-8 by the standard, a style as its page is.
        response.content_type = response.mimetype or ""
        return response

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version_asked", version)

    app.jinja_env.globals["script_modules"] = _modules(folder)
    app.add_url_rule("/static/<version_asked>/<path:filename>", "static", serve)
    app.url_default_functions.setdefault(None, []).append(add_version)


def _modules(folder: Path) -> list[str]:
    """Return the scripts that a page loads at once, for it to say so at its top.

    Without, a browser finds them one import after the other, five levels deep.
    """
    scripts = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("js/**/*.js")))
    return [name for name in scripts if Path(name).stem not in LOADED_LATER]


def _version(folder: Path) -> str:
    """Return a short digest of everything in ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]
