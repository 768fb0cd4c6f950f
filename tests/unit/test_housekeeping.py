"""The log's old events go, about once an hour, whatever happened to the last round."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from chatapp import housekeeping
from chatapp.domain import log, retention
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.housekeeping import PERIOD, Housekeeping
from chatapp.models import Event, now
from chatapp.realtime import background
from tests.support.team import Person, Team
from tests.support.wait import until

DAYS = 30


@pytest.fixture
def _told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def old(app: Flask, team: Team, ann: Person, bob: Person) -> int:
    """The last of some events that are a day older than they are kept; newer ones stand behind."""
    dm = team.dm(ann, bob)
    ann.say(dm, "long ago")
    with app.app_context():
        last = log.head().position
        age_up_to(last, timedelta(days=DAYS + 1))
    ann.say(dm, "today")
    return last


def age_up_to(position: int, by: timedelta) -> None:
    with transaction():
        aged = update(Event).where(Event.position <= position)
        db.session.execute(aged.values(created_at=now() - by))


def oldest(app: Flask) -> int:
    """Return the position of the oldest event that is left."""
    with app.app_context():
        return int(db.session.scalar(select(func.min(Event.position))) or 0)


def pruned(caplog: pytest.LogCaptureFixture) -> list[object]:
    """Return what each line about it says of how many went."""
    return [
        vars(record)["fields"]["events"]
        for record in caplog.records
        if record.getMessage() == "log_pruned"
    ]


@pytest.mark.usefixtures("_told")
def test_what_is_older_than_it_is_kept_goes_and_one_line_says_so(
    app: Flask, old: int, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Housekeeping(app, DAYS)
    keeper.tidy()
    assert oldest(app) == old + 1
    keeper.tidy()
    assert oldest(app) == old + 1
    assert pruned(caplog) == [old]
    with app.app_context():
        assert log.head().pruned_position == old


def test_nothing_goes_before_its_day(app: Flask, old: int) -> None:
    Housekeeping(app, DAYS + 2).tidy()
    assert oldest(app) == 1


@pytest.mark.usefixtures("_told")
def test_a_process_that_serves_tidies_up_by_itself(
    app: Flask, old: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "PERIOD", (0, 0))
    app.extensions["chatapp"].start()
    until(lambda: pruned(caplog), "a round")
    assert pruned(caplog) == [old]
    assert oldest(app) == old + 1


class Rounds:
    """In the place of gevent: as many waits as there are rounds to be."""

    def __init__(self, number: int) -> None:
        self.waits: list[float] = []
        self._left: Iterator[int] = iter(range(number))

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        next(self._left)


def test_a_round_that_failed_is_told_and_the_next_one_is_done(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    prune = Mock(side_effect=[OSError("the disk"), *[0] * 100])
    monkeypatch.setattr(retention, "prune", prune)
    monkeypatch.setattr(housekeeping, "PERIOD", (0.001, 0.001))
    monkeypatch.setattr(background, "PAUSE", 0.001)
    keeper = Housekeeping(app, DAYS)
    keeper.start()
    until(lambda: prune.call_count >= 3, "two more rounds")
    keeper.stop()
    assert {call.args for call in prune.mock_calls} == {(timedelta(days=DAYS),)}
    (line,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert line.exc_info
    assert "Housekeeping failed" in line.getMessage()


def test_processes_that_start_together_do_not_tidy_up_together(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(20)
    monkeypatch.setattr(retention, "prune", Mock(return_value=0))
    monkeypatch.setattr(housekeeping, "gevent", rounds)
    with pytest.raises(StopIteration):
        Housekeeping(app, DAYS).run()
    least, most = PERIOD
    assert len(set(rounds.waits)) > 10
    assert all(least <= wait <= most for wait in rounds.waits)
