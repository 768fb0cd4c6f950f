"""Forms as a browser sends them."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def token(client: FlaskClient) -> str:
    """Return the CSRF token of a page, as a browser would find it in the form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/profile").text)
    assert found is not None
    return found[1]


def send(client: FlaskClient, path: str, **fields: object) -> TestResponse:
    """Send a form, with its token."""
    return client.post(path, data={"csrf_token": token(client), **fields})
