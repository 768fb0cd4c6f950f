"""What unit tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from chatapp.domain import log
from tests.support.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """A hub whose clients leave when the test is over."""
    house = House()
    yield house
    for client in house.clients:
        client.close()


@pytest.fixture
def rings(app: Flask) -> list[int]:
    """Where the log stood each time that the doorbell rang."""
    heard: list[int] = []

    def ring(*_position: int) -> None:
        with app.app_context():
            heard.append(log.head().position)

    app.extensions["chatapp.doorbell"] = ring
    return heard
