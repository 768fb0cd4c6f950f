"""The watcher of the event loop: each lateness is measured, and a stall is worth a line.

In a real server it is stopped by a signal: tests/faults/test_metrics.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from chatapp.realtime import pulse
from chatapp.realtime.pulse import PERIOD, STALL, Pulse


class Clock:
    """The clock and the timer of a loop that is late by what the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.late: Iterator[float] = iter(())
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + next(self.late)


@pytest.fixture
def seen() -> list[float]:
    return []


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, seen: list[float]) -> Callable[..., Clock]:
    """What lets a pulse look as often as it is given a lateness."""

    def run(*late: float) -> Clock:
        clock = Clock()
        clock.late = iter(late)
        monkeypatch.setattr(pulse, "time", clock)
        monkeypatch.setattr(pulse, "gevent", clock)
        with pytest.raises(StopIteration):
            Pulse(seen.append).run()
        return clock

    return run


def stalls(caplog: pytest.LogCaptureFixture) -> list[tuple[int, object]]:
    """Return the level and the seconds of each line about a stall."""
    return [
        (record.levelno, vars(record)["seconds"])
        for record in caplog.records
        if vars(record).get("event") == "loop_stalled"
    ]


def test_each_lateness_is_observed_and_none_of_the_waiting(
    run: Callable[..., Clock], seen: list[float]
) -> None:
    clock = run(0.0, 0.004, 2.5)
    assert seen == pytest.approx([0.0, 0.004, 2.5])
    assert clock.slept == [PERIOD] * 4


def test_a_loop_that_is_early_is_not_late(run: Callable[..., Clock], seen: list[float]) -> None:
    run(-0.001)
    assert seen == [0.0]


def test_a_stall_is_a_warning_that_says_how_long(
    run: Callable[..., Clock], caplog: pytest.LogCaptureFixture
) -> None:
    run(0.0, STALL - 0.01, 0.2504, STALL - 0.01)
    assert STALL == 0.1
    assert stalls(caplog) == [(logging.WARNING, 0.25)]
