"""``/readyz``: what it says where the database fails."""

from __future__ import annotations

import sqlite3

import pytest
from flask.testing import FlaskClient

from chatapp.domain import log


def test_a_sqlite_that_fails_is_unreachable(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(log, "head", failing)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json and answer.json["database"]) == (503, "unreachable")
