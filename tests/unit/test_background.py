"""What runs beside the requests goes on, whatever happens to it once."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gevent
import pytest

from chatapp.realtime import background
from chatapp.realtime.background import Background
from tests.support.stream import PATIENCE


class Counting(Background):
    """Counts, and fails at the first two numbers."""

    def __init__(self) -> None:
        self.number = 0

    def run(self) -> None:
        while True:
            self.number += 1
            if self.number <= 2:
                raise MemoryError
            gevent.sleep(0.001)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    monkeypatch.setattr(background, "PAUSE", 0.001)
    counting = Counting()
    counting.start()
    yield counting
    counting.stop()


def test_it_goes_on_and_a_line_says_what_happened(
    counting: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    with gevent.Timeout(PATIENCE, AssertionError("it stands still")):
        while counting.number < 5:
            gevent.sleep(0.001)
    lines = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in lines] == ["Counting failed, and goes on"] * 2
    assert lines[0].exc_info is not None


def test_once_stopped_it_rests(counting: Counting) -> None:
    counting.stop()
    number = counting.number
    gevent.sleep(0.01)
    assert counting.number == number
