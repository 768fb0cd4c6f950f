"""Posts on their way to PostgreSQL: who shares a batch, and what each of them is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import gevent
import gevent.event
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chatapp.domain import postgresql_posts
from chatapp.domain.postgresql_posts import MOST, Lane, Ticket
from chatapp.models import MessageRow, now
from tests.support.fake_client import settle


def message(number: int) -> MessageRow:
    known: dict[str, Any] = {"id": f"msg_{number}", "author_id": "ann", "created_at": now()}
    return MessageRow._make(known.get(field) for field in MessageRow._fields)


class Database:
    """In the place of PostgreSQL: takes batches while it is open, and leaves out what it shall."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.left_out: set[str] = set()
        self.failures: list[Exception] = []
        self.open = gevent.event.Event()
        self.open.set()
        self._positions = itertools.count(1)

    def commit(self, batch: list[Ticket]) -> dict[str, int]:
        self.batches.append([ticket.id for ticket in batch])
        self.open.wait()
        if self.failures:
            raise self.failures.pop()
        taken = [ticket.id for ticket in batch if ticket.id not in self.left_out]
        return {id_: next(self._positions) for id_ in taken}


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def lane(database: Database, monkeypatch: pytest.MonkeyPatch) -> Lane:
    monkeypatch.setattr(postgresql_posts, "reading", lambda engine: engine)
    lane = Lane(Mock())
    monkeypatch.setattr(lane, "_commit", database.commit)
    return lane


def posting(lane: Lane, *numbers: int, bell: Callable[[int], None] | None = None) -> list[Any]:
    """Begin to post; return the greenlets, each of which ends with what it was told."""

    def post(number: int) -> object:
        try:
            return lane.post(message(number), bell)
        except (PoolTimeout, OSError) as error:
            return type(error)

    return [gevent.spawn(post, number) for number in numbers]


def told(greenlets: list[Any]) -> list[object]:
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def test_more_than_go_into_one_statement_go_into_the_next(lane: Lane, database: Database) -> None:
    assert told(posting(lane, *range(MOST + 1))) == [*range(1, MOST + 2)]
    assert [len(batch) for batch in database.batches] == [MOST, 1]


def test_who_comes_meanwhile_is_in_the_next_batch(lane: Lane, database: Database) -> None:
    database.open.clear()
    posts = posting(lane, 1)
    settle()
    posts += posting(lane, 2, 3)
    settle()
    database.open.set()
    assert told(posts) == [1, 2, 3]
    assert told(posting(lane, 4)) == [4]
    assert database.batches == [["msg_1"], ["msg_2", "msg_3"], ["msg_4"]]


def test_the_bell_rings_once_for_a_batch_and_not_for_one_of_which_nothing_was_taken(
    lane: Lane, database: Database
) -> None:
    rings: list[int] = []
    database.left_out = {"msg_2", "msg_4"}
    assert told(posting(lane, 1, 2, 3, bell=rings.append)) == [1, None, 2]
    assert told(posting(lane, 4, bell=rings.append)) == [None]
    assert rings == [2]


def test_who_waited_too_long_is_refused_and_not_posted_after_all(
    lane: Lane, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_posts, "POOL_TIMEOUT", 0.01)
    database.open.clear()
    first = posting(lane, 1)
    settle()
    assert told(posting(lane, 2)) == [PoolTimeout]
    database.open.set()
    # Whose batch is on its way waits for as long as it takes: it may come through.
    assert told(first) == [1]
    assert database.batches == [["msg_1"]]


@pytest.mark.parametrize(
    ("failure", "each_is_told"),
    [
        pytest.param(SimpleNamespace(sqlstate="22021"), None, id="a value: each tries by itself"),
        pytest.param(SimpleNamespace(sqlstate="40P01"), None, id="a deadlock: the same"),
        pytest.param(SimpleNamespace(sqlstate="57P01"), OSError, id="nobody knows what was done"),
        pytest.param(None, OSError, id="the connection is lost: the same"),
    ],
)
def test_where_a_batch_fails_all_are_told_and_the_next_one_goes(
    lane: Lane, database: Database, failure: object, each_is_told: object
) -> None:
    error: Any = OSError()
    error.orig = failure
    database.failures.append(error)
    database.open.clear()
    posts = posting(lane, 1, 2)
    settle()
    posts += posting(lane, 3)
    settle()
    database.open.set()
    assert told(posts) == [each_is_told, each_is_told, 1]


def test_all_posts_to_a_database_take_one_lane(lane: Lane) -> None:
    one, other = Mock(), Mock()
    assert postgresql_posts.lane(one) is postgresql_posts.lane(one)
    assert postgresql_posts.lane(one) is not postgresql_posts.lane(other)
