"""What the server says of its streams: counts for administrators, a line for each event of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Databases
from tests.support.http import Http
from tests.support.server import Server
from tests.support.team import Person, Team

pytestmark = pytest.mark.delivery


@pytest.fixture
def server(databases: Databases, tmp_path: Path) -> Iterator[Server]:
    """A server that nobody else has been on: everything that it says is looked at."""
    folder = tmp_path / "data"
    folder.mkdir()
    databases.make(folder)
    with Server(folder) as running:
        yield running


def test_stats_and_the_log_tell_the_life_of_delivery(
    http: Http, server: Server, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    root = team.person("root", admin=True)
    first, second = http.listen(ann), http.listen(bob)
    for opened in (first, second):
        opened.ready()
    stats = http.call(root, "GET", "/api/sse/stats").json()
    assert stats == {"dmSubscriptions": {dm: 2}, "groupSubscriptions": {}}
    http.say(ann, dm, "Hello")
    for opened in (first, second):
        opened.messages(1)
    second.close()
    # The kernel takes the first write to a client that has gone, and fails the next.
    while not server.log_lines(event="client_disconnected"):
        http.say(ann, dm, "Are you there?")
    # What was there before the streams may be told, too: the follower came to it late.
    begin = int(first.last_event_id.partition("-")[2])
    lines = server.log_lines(channel=f"dm:{dm}")
    about = [line for line in lines if line.get("position", begin) >= begin]
    assert (about[0]["event"], about[0]["subscribers"], about[0]["direct"]) == ("broadcast", 2, 2)
    connected = server.log_lines(event="client_connected")
    counted = [(line["user"], line["channels"][f"dm:{dm}"]) for line in connected]
    assert counted == [(ann.id, 1), (bob.id, 2)]
    (gone,) = server.log_lines(event="client_disconnected")
    assert (gone["user"], gone["channels"][f"dm:{dm}"], gone["streams"]) == (bob.id, 1, 1)
    assert "Hello" not in server.output()
