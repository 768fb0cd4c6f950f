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
    while not server.log_lines(event="subscription_removed"):
        http.say(ann, dm, "Are you there?")
    # What was there before the streams may be told, too: the follower came to it late.
    begin = int(first.last_event_id.partition("-")[2])
    lines = server.log_lines(channel=f"dm:{dm}")
    about = [line for line in lines if line.get("position", begin) >= begin]
    told = [(line["event"], line["subscribers"]) for line in about]
    assert told[:3] == [("subscription_added", 1), ("subscription_added", 2), ("broadcast", 2)]
    assert ("subscription_removed", 1) in told
    connected = server.log_lines(event="client_connected")
    assert [line["user"] for line in connected] == [ann.id, bob.id]
    assert f"dm:{dm}" in connected[0]["channels"]
    assert "Hello" not in server.output()
