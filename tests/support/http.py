"""People as clients of a real server: calls by httpx, streams by httpx-sse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Any, Self

import httpx
from httpx_sse import EventSource, ServerSentEvent

from tests.support.team import Person, reference

#: Seconds that something may take before a test fails; a stream is pinged every 20 s.
PATIENCE = 60

#: No idle connection is kept: the server may close it just when it is used again.
NO_IDLE = httpx.Limits(max_keepalive_connections=0)


class Http:
    """Calls and streams of one server; closes what it opened."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stack = ExitStack()
        self._client = self._stack.enter_context(_client(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def call(self, person: Person, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Call as somebody."""
        headers = {**_bearer(person), **kwargs.pop("headers", {})}
        return self._client.request(method, path, headers=headers, **kwargs)

    def say(
        self, person: Person, conversation_id: str, content: str, **fields: str
    ) -> dict[str, Any]:
        """Post a message and return it."""
        body = {reference(conversation_id): conversation_id, "content": content, **fields}
        answer = self.call(person, "POST", "/api/messages", json=body)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    def listed(self, person: Person, conversation_id: str) -> list[dict[str, Any]]:
        """Return all messages of a conversation, followed from page to page."""
        pages: list[dict[str, Any]] = []
        url = f"/api/messages?{reference(conversation_id)}={conversation_id}&limit=100"
        while url:
            answer = self.call(person, "GET", url)
            assert answer.status_code == 200, answer.text
            pages = answer.json() + pages
            url = answer.links.get("prev", {}).get("url", "")
        return pages

    def listen(
        self,
        person: Person | None,
        last_event_id: str = "",
        headers: dict[str, str] | None = None,
        channels: Sequence[str] = (),
    ) -> HttpStream:
        """Open the stream of these channels, or of everything that somebody may read."""
        sent = {"Accept": "text/event-stream", **(headers or {}), **_bearer(person)}
        if last_event_id:
            sent["Last-Event-ID"] = last_event_id
        # A connection of its own, since it is held until the end.
        client = self._stack.enter_context(_client(self.url))
        response = self._stack.enter_context(
            client.stream("GET", "/api/sse", params={"channel": channels}, headers=sent)
        )
        return HttpStream(response)


class HttpStream:
    """An open stream, read by a client that nobody here wrote."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_event_id = ""
        #: What comes by itself, and the test is not about.
        self.passes_over = {"ping", "presence"}
        self._events: Iterator[ServerSentEvent] = EventSource(response).iter_sse()

    def next(self) -> ServerSentEvent:
        """Return the next event but those passed over."""
        event = next(self._events)
        while event.event in self.passes_over:
            event = next(self._events)
        self.last_event_id = event.id
        return event

    def with_first(self, event: ServerSentEvent) -> HttpStream:
        """Put back an event that was read."""
        self._events = chain([event], self._events)
        return self

    def until(self, wanted: Callable[[ServerSentEvent], bool]) -> list[ServerSentEvent]:
        """Return the events up to the wanted one, with it."""
        events = [self.next()]
        while not wanted(events[-1]):
            events.append(self.next())
        return events

    def ready(self) -> list[ServerSentEvent]:
        """Return the replay."""
        return self.until(lambda event: event.event == "ready")[:-1]

    def messages(self, count: int) -> list[dict[str, Any]]:
        """Return the next ``count`` messages that were created, whatever comes between."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            event = self.next()
            if event.event == "message":
                found.append(json.loads(event.data))
        return found

    def rest(self) -> list[ServerSentEvent]:
        """Return all others up to the stream's end, which may be a broken connection."""
        return [event for event in self._rest() if event.event not in self.passes_over]

    def close(self) -> None:
        """Leave."""
        self.response.close()

    def _rest(self) -> Iterator[ServerSentEvent]:
        try:
            yield from self._events
        except httpx.ReadTimeout:
            raise
        except httpx.TransportError:
            return


def _client(url: str) -> httpx.Client:
    # The machine's certificates take 50 ms of CPU to read, and plain HTTP asks for none.
    return httpx.Client(base_url=url, timeout=PATIENCE, limits=NO_IDLE, verify=False)


def _bearer(person: Person | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"} if person else {}
