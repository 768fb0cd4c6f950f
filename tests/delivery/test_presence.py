"""Who is online, told by a real server: its own beats, its own grace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx_sse import ServerSentEvent

from tests.support.databases import Databases
from tests.support.http import Http, HttpStream
from tests.support.sabotage import sabotage
from tests.support.server import Server
from tests.support.team import Person

pytestmark = pytest.mark.delivery


@pytest.fixture
def server(databases: Databases, tmp_path: Path) -> Iterator[Server]:
    """A server that beats quickly."""
    folder = tmp_path / "data"
    folder.mkdir()
    databases.make(folder)
    quick = "BEAT, GRACE = 0.05, 0.2"
    env = sabotage(tmp_path / "quick", "chatapp.realtime.presence", quick)
    with Server(folder, None, **env) as running:
        yield running


def listening(http: Http, person: Person) -> HttpStream:
    stream = http.listen(person)
    stream.passes_over = {"ping"}
    stream.ready()
    return stream


def told(event: ServerSentEvent) -> tuple[list[str], list[str]]:
    data = json.loads(event.data)
    return data["online"], data["offline"]


def changes(events: list[ServerSentEvent], person: Person) -> list[bool]:
    """Return what was said of somebody: came, went."""
    said = [told(event) for event in events if event.event == "presence"]
    return [person.id in came for came, went in said if person.id in came + went]


def test_anothers_stream_hears_who_comes_and_goes(
    http: Http, ann: Person, bob: Person, dm: str
) -> None:
    hers = listening(http, ann)
    first, second = listening(http, bob), listening(http, bob)
    heard = hers.until(lambda event: bob.id in told(event)[0])
    first.close()
    # A client that has left is noticed by writing to it: one of the two is, for a message.
    http.say(ann, dm, "Are you there?")
    second.messages(1)
    http.say(ann, dm, "And now?")
    second.messages(1)
    assert http.call(ann, "GET", "/api/presence", params={"userId": bob.id}).json() == {
        "online": [bob.id]
    }
    second.close()
    while http.call(ann, "GET", "/api/presence", params={"userId": bob.id}).json()["online"]:
        http.say(ann, dm, "Gone?")
    heard += hers.until(lambda event: event.event == "presence" and bob.id in told(event)[1])
    # Neither the second stream nor the end of the first was news.
    assert changes(heard, bob) == [True, False]
