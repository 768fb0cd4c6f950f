"""What unit tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """A hub whose clients leave when the test is over."""
    house = House()
    yield house
    for client in house.clients:
        client.close()
