"""Streams of a real gunicorn, read by httpx-sse."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from chatapp.domain import accounts, sessions, tokens
from tests.support.http import Http, HttpStream
from tests.support.server import Server
from tests.support.team import Person, Team

pytestmark = pytest.mark.delivery


def contents(messages: list[dict[str, str]]) -> list[str]:
    return [message["content"] for message in messages]


def test_a_message_parses_as_in_the_design(http: Http, ann: Person, bob: Person, dm: str) -> None:
    stream = http.listen(bob)
    assert stream.response.headers["Content-Type"].startswith("text/event-stream")
    assert stream.response.headers["Cache-Control"] == "no-store"
    assert stream.response.headers["X-Accel-Buffering"] == "no"
    stream.ready()
    sent = http.say(ann, dm, "Hello\n**Bob** \N{LINE SEPARATOR}\N{GRINNING FACE}")
    event = stream.next()
    assert event.event == "message"
    assert re.fullmatch(r"[a-z0-9]+-\d+", event.id)
    assert json.loads(event.data) == {"type": "message:created", **sent}
    assert http.listed(bob, dm) == [sent]


def test_resuming_by_the_last_event_id_is_exact(
    http: Http, ann: Person, bob: Person, dm: str
) -> None:
    stream = http.listen(bob)
    stream.ready()
    for number in range(4):
        http.say(ann, dm, str(number))
    assert contents(stream.messages(2)) == ["0", "1"]
    stream.close()
    http.say(ann, dm, "4")
    again = http.listen(bob, stream.last_event_id)
    replay = again.ready()
    assert [json.loads(event.data)["content"] for event in replay] == ["2", "3", "4"]
    http.say(ann, dm, "5")
    assert contents(again.messages(1)) == ["5"]


def test_a_hundred_channels_fit_into_an_address(
    http: Http, team: Team, ann: Person, bob: Person
) -> None:
    groups = [team.group(ann, bob, name=str(number)) for number in range(100)]
    stream = http.listen(bob, channels=[f"group:{group}" for group in groups])
    stream.ready()
    http.say(ann, groups[-1], "Hello")
    assert contents(stream.messages(1)) == ["Hello"]


def test_events_go_straight_to_the_sockets(
    http: Http, server: Server, ann: Person, bob: Person, dm: str
) -> None:
    streams = [http.listen(person) for person in (ann, bob, bob)]
    for stream in streams:
        stream.ready()
    begin = _position(streams[0].last_event_id)
    for number in range(20):
        http.say(ann, dm, str(number))
    for stream in streams:
        assert contents(stream.messages(20)) == [str(number) for number in range(20)]
    told = server.log_lines(event="broadcast")
    broadcasts = [line for line in told if line["position"] > begin]
    assert sum(line["direct"] for line in broadcasts) > 0
    assert {line["subscribers"] for line in broadcasts} == {3}


def test_a_removal_ends_the_channel_for_the_one_removed(
    http: Http, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    group = team.group(ann, bob)
    stream, other = http.listen(bob), http.listen(ann)
    for opened in (stream, other):
        opened.ready()
    http.say(ann, group, "premise")
    assert contents(stream.messages(1)) == ["premise"]
    http.call(ann, "DELETE", f"/api/groups/{group}/members/{bob.id}")
    http.say(ann, group, "after")
    http.say(ann, dm, "fence")
    assert contents(stream.messages(1)) == ["fence"]
    assert contents(other.messages(3)) == ["premise", "after", "fence"]


def test_signing_out_ends_the_stream(
    http: Http, server: Server, team: Team, bob: Person, dm: str
) -> None:
    browser = bob.browser()
    cookie = browser.get_cookie("chat_session")
    assert cookie is not None
    headers = {"Cookie": f"chat_session={cookie.value}"}
    stream, other = http.listen(None, headers=headers), http.listen(bob)
    for opened in (stream, other):
        opened.ready()
    with browser.session_transaction() as session:
        secret = session["secret"]
    # As another process does it: the server's streams learn of it from the log.
    with browser.application.app_context():
        me = sessions.find(secret)
        assert me is not None
        sessions.sign_out(me)
    _is_told_to_go(stream)
    assert http.listen(None, headers=headers).response.status_code == 401
    http.say(bob, dm, "still here")
    assert contents(other.messages(1)) == ["still here"]


def test_deactivation_and_revoked_tokens_end_streams(
    http: Http, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    root = team.person("root", admin=True)
    deactivated, revoked = http.listen(bob), http.listen(ann)
    for opened in (deactivated, revoked):
        opened.ready()
    with team._app.app_context():
        accounts.deactivate(root.identity, bob.id)
        tokens.revoke(ann.identity, ann.identity.credential_id)
    _is_told_to_go(deactivated)
    _is_told_to_go(revoked)
    for person in (ann, bob):
        assert http.call(person, "GET", "/api/me").status_code == 401


def test_sixteen_connections_posting_at_once_are_one_order_for_all(
    http: Http, team: Team, dm: str, ann: Person, bob: Person
) -> None:
    streams = [http.listen(ann), http.listen(bob)]
    for stream in streams:
        stream.ready()
    with ThreadPoolExecutor(16) as pool:
        posts = [
            pool.submit(_posts, http.url, (ann, bob)[worker % 2], dm, worker)
            for worker in range(16)
        ]
        acknowledged = [id_ for post in posts for id_ in post.result()]
    listed = [message["id"] for message in http.listed(ann, dm)]
    assert len(acknowledged) == 16 * 10
    assert sorted(listed) == sorted(acknowledged)
    for stream in streams:
        events = stream.until(lambda event: json.loads(event.data).get("id") == listed[-1])
        assert [json.loads(event.data)["id"] for event in events] == listed
        positions = [_position(event.id) for event in events]
        assert all(earlier < later for earlier, later in pairwise(positions))


def _posts(url: str, person: Person, dm: str, worker: int) -> list[str]:
    with Http(url) as http:
        return [http.say(person, dm, f"{worker}: {n}")["id"] for n in range(10)]


def _is_told_to_go(stream: HttpStream) -> None:
    goodbye = stream.rest()[-1]
    assert (goodbye.event, json.loads(goodbye.data)) == ("reconnect", {"reason": "revoked"})


def _position(cursor: str) -> int:
    return int(cursor.partition("-")[2])
