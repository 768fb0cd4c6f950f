"""A stream read through the test client, event by event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import gevent
from werkzeug.test import TestResponse

from tests.support.event_stream import Event, EventStream
from tests.support.team import Person

#: Seconds after which a test that waits in vain fails. No test's verdict depends on it.
PATIENCE = 60


class Stream:
    """An open ``/api/sse``. Reading waits for what is to come, and lets the delivery run."""

    def __init__(self, response: TestResponse) -> None:
        assert response.status_code == 200, response.text
        assert response.mimetype == "text/event-stream"
        self.response = response
        self.parser = EventStream()
        #: The id of the last event read: what a browser sends when it connects again.
        self.last_event_id = ""
        #: Signals that come whenever somebody does, and that the test is not about.
        self.passes_over = {"presence"}
        self._pieces = response.iter_encoded()
        self._events: list[Event] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave, as a client does."""
        self.response.close()

    def next(self) -> Event:
        """Return the next event but those passed over.

        Raises:
            EOFError: the stream has ended.
        """
        event = self._next()
        while event.type in self.passes_over:
            event = self._next()
        self.last_event_id = event.last_event_id
        return event

    def _next(self) -> Event:
        while not self._events:
            with gevent.Timeout(PATIENCE, AssertionError("the stream stays silent")):
                piece = next(self._pieces, None)
            if piece is None:
                raise EOFError
            self._events += self.parser.feed(piece)
        return self._events.pop(0)

    def until(self, type_: str, **fields: Any) -> list[Event]:
        """Return the events up to the one of this type that has these fields, with it."""
        return list(self._until(type_, fields))

    def rest(self) -> list[Event]:
        """Return everything up to the stream's end."""
        events = []
        while True:
            try:
                events.append(self.next())
            except EOFError:
                return events

    def ready(self) -> list[Event]:
        """Return the replay: what comes before ``ready``."""
        return self.until("ready")[:-1]

    def _until(self, type_: str, fields: dict[str, Any]) -> Iterator[Event]:
        while True:
            event = self.next()
            yield event
            if event.type == type_ and fields.items() <= event.json.items():
                return


def contents(events: list[Event]) -> list[str]:
    """Return the texts of the messages that were created."""
    return [event.json["content"] for event in events if event.type == "message"]


def types(events: list[Event]) -> list[str]:
    """Return the names of the events."""
    return [event.type for event in events]


def listen(
    person: Person, *channels: str, cursor: str | None = None, last_event_id: str | None = None
) -> Stream:
    """Open the stream of somebody: of these channels, or of everything."""
    query: dict[str, Any] = {"channel": channels}
    if cursor is not None:
        query["cursor"] = cursor
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    return Stream(person.get("/api/sse", query_string=query, headers=headers))


def is_an_uncached_problem(answer: TestResponse) -> None:
    """Check a refusal of the stream: no cache and no proxy may hold it."""
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
