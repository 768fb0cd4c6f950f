"""The answer after something was changed."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response


def see_other(endpoint: str, **values: str) -> Response:
    """Send the browser on with a GET, so that a reload repeats nothing (post, redirect, get)."""
    options: dict[str, Any] = {**values}
    return redirect(url_for(endpoint, **options), 303)
