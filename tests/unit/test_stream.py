"""``GET /api/sse`` through the test client: opening, replay, live, revocation, refusals."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import delete, update

from chatapp.api import events, streams
from chatapp.domain.log import Logged
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Event, LogHead
from chatapp.realtime.entry import Entry
from tests.support.stream import contents, is_an_uncached_problem, listen, types
from tests.support.team import Person, Team


def test_a_stream_begins_with_ready_and_is_never_cached(bob: Person, dm: str) -> None:
    with listen(bob) as stream:
        headers = stream.response.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        ready = stream.next()
        assert ready.type == "ready"
        assert ready.json == {"cursor": ready.last_event_id}
        assert re.fullmatch(r"[a-z0-9]+-\d+", ready.last_event_id)
        assert 500 <= (stream.parser.retry or 0) <= 3000


def test_a_new_message_is_a_plain_event_with_the_listed_object(
    ann: Person, bob: Person, dm: str
) -> None:
    with listen(bob) as stream:
        stream.ready()
        sent = ann.say(dm, "Two\nlines \N{LINE SEPARATOR} and one more")
        event = stream.next()
    assert event.type == "message"
    assert event.json == {"type": "message:created", **sent}
    assert bob.get(f"/api/messages?directMessageId={dm}").json == [sent]


def test_the_sender_hears_it_too(ann: Person, dm: str) -> None:
    with listen(ann) as stream:
        stream.ready()
        sent = ann.say(dm, "Hello")
        assert stream.next().json["id"] == sent["id"]


@pytest.mark.parametrize("way", ["last_event_id", "cursor"])
def test_what_was_missed_is_replayed_in_order_and_once(
    ann: Person, bob: Person, dm: str, way: str
) -> None:
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    for number in range(5):
        ann.say(dm, str(number))
    with listen(bob, **{way: cursor}) as stream:
        replay = stream.ready()
        ann.say(dm, "live")
        live = stream.until("message")
    assert contents(replay) == ["0", "1", "2", "3", "4"]
    assert contents(live) == ["live"]
    with listen(bob, **{way: replay[2].last_event_id}) as stream:
        assert contents(stream.ready()) == ["3", "4", "live"]


def test_the_header_wins_over_the_parameter(ann: Person, bob: Person, dm: str) -> None:
    old = bob.get("/api/conversations").headers["Chat-Cursor"]
    ann.say(dm, "missed")
    new = bob.get("/api/conversations").headers["Chat-Cursor"]
    with listen(bob, cursor=old, last_event_id=new) as stream:
        assert stream.ready() == []
    with listen(bob, cursor=new, last_event_id=old) as stream:
        assert contents(stream.ready()) == ["missed"]


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("nonsense", "malformed"),
        ("EPOCH-", "malformed"),
        ("EPOCH--1", "malformed"),
        ("EPOCH-1e3", "malformed"),
        ("EPOCH-\N{ARABIC-INDIC DIGIT ONE}", "malformed"),
        ("EPOCH-9223372036854775808", "malformed"),
        ("other-1", "epoch"),
        ("EPOCH-999999999999999999", "future"),
        ("EPOCH-2", "pruned"),
    ],
)
def test_a_cursor_that_cannot_be_served_is_a_reset(
    app: Flask, ann: Person, bob: Person, dm: str, cursor: str, reason: str
) -> None:
    ann.say(dm, "unseen")
    now = bob.get("/api/conversations").headers["Chat-Cursor"]
    if reason == "pruned":
        with app.app_context(), transaction():
            db.session.execute(update(LogHead).values(pruned_position=3))
            db.session.execute(delete(Event).where(Event.position <= 3))
    asked = cursor.replace("EPOCH", now.partition("-")[0])
    with listen(bob, cursor=asked) as stream:
        reset, ready = stream.next(), stream.next()
        ann.say(dm, "live")
        assert contents([stream.next()]) == ["live"]
    assert (reset.type, ready.type) == ("reset", "ready")
    assert reset.json == {"reason": reason, "cursor": now}
    assert reset.last_event_id == now


@pytest.mark.parametrize(("limit", "most"), [("LONGEST_REPLAY", 3), ("LARGEST_REPLAY", 3 * 600)])
def test_a_replay_that_is_too_long_is_a_reset(
    ann: Person, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(streams, limit, most)
    monkeypatch.setattr(streams, "STEP", 2)
    with listen(bob) as stream:
        stream.ready()
        cursor = stream.last_event_id
    for number in range(3):
        ann.say(dm, f"{number}" * 290)  # and as much again as HTML
    with listen(bob, cursor=cursor) as stream:
        assert contents(stream.ready()) == ["0" * 290, "1" * 290, "2" * 290]
    ann.say(dm, "3" * 290)
    with listen(bob, cursor=cursor) as stream:
        assert [event.json.get("reason") for event in stream.ready()] == ["length"]


def test_what_is_too_large_to_replay_is_not_even_read(
    ann: Person, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    for number in range(streams.STEP + 1):
        ann.say(dm, str(number))
    read: list[int] = []
    entries = events.entries

    def counted(rows: Sequence[Logged], epoch: str) -> list[Entry]:
        read.append(len(rows))
        return entries(rows, epoch)

    monkeypatch.setattr(events, "entries", counted)
    monkeypatch.setattr(streams, "LARGEST_REPLAY", 100)
    with listen(bob, cursor=cursor) as stream:
        assert [event.json.get("reason") for event in stream.ready()] == ["length"]
    assert read == []


def test_named_channels_alone_are_heard(team: Team, ann: Person, bob: Person, dm: str) -> None:
    group, other = team.group(ann, bob), team.group(ann, bob)
    with listen(bob) as everything, listen(bob, f"group:{group}", f"dm:{dm}") as named:
        for stream in (everything, named):
            stream.ready()
        for conversation in (other, group, dm):
            ann.say(conversation, f"in {conversation}")
        assert contents([everything.next() for _ in range(3)]) == [
            f"in {other}",
            f"in {group}",
            f"in {dm}",
        ]
        assert contents([named.next(), named.next()]) == [f"in {group}", f"in {dm}"]


def test_named_channels_alone_are_replayed(team: Team, ann: Person, bob: Person, dm: str) -> None:
    group = team.group(ann, bob)
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    message = ann.say(group, "in the group")
    ann.say(dm, "in the DM")
    bob.post(f"/api/conversations/{group}/read", json={"messageId": message["id"]})
    with listen(bob, f"dm:{dm}", cursor=cursor) as stream:
        assert contents(stream.ready()) == ["in the DM"]
    with listen(bob, cursor=cursor) as stream:
        assert types(stream.ready()) == ["message", "message", "read"]


@pytest.mark.parametrize("query", ["channel=dm", "channel=dm:group_x", "channel=team", "bad=1"])
def test_a_channel_of_another_form_is_refused(bob: Person, dm: str, query: str) -> None:
    assert bob.get(f"/api/sse?{query}").status_code == 400


def test_too_many_channels_are_refused(bob: Person) -> None:
    query = {"channel": [f"dm:dm_{number}" for number in range(101)]}
    assert bob.get("/api/sse", query_string=query).status_code == 400


def test_a_strangers_channel_is_a_404_and_holds_no_stream(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    eve = team.person("eve")
    own = team.dm(eve, ann)
    for channels in ([f"dm:{dm}"], [f"dm:{own}", f"dm:{dm}"], ["dm:dm_none"]):
        answer = eve.get("/api/sse", query_string={"channel": channels})
        assert answer.status_code == 404
        is_an_uncached_problem(answer)
    assert len(app.extensions["chatapp"].hub) == 0


def test_a_stream_of_everything_follows_what_is_joined_and_left(
    team: Team, ann: Person, bob: Person, dm: str
) -> None:
    with listen(bob) as stream:
        stream.ready()
        group = team.group(ann, name="New")
        ann.say(group, "before")
        ann.post(f"/api/groups/{group}/members", json={"userIds": [bob.id]})
        ann.say(group, "during")
        # Heard before it is over: what is told of a group is read when it is told.
        events = stream.until("message", content="during")
        ann.delete(f"/api/groups/{group}/members/{bob.id}")
        ann.say(group, "after")
        ann.say(dm, "fence")
        events += stream.until("message", content="fence")
    assert contents(events) == ["during", "fence"]
    assert types(events) == [
        "conversation:joined",
        "member:joined",
        "message",
        "conversation:left",
        "message",
    ]


def test_reading_is_told_to_the_readers_own_streams_alone(
    ann: Person, bob: Person, dm: str
) -> None:
    message = ann.say(dm, "One")
    with listen(bob) as own, listen(bob) as second, listen(ann) as others:
        for stream in (own, second, others):
            stream.ready()
        bob.post(f"/api/conversations/{dm}/read", json={"messageId": message["id"]})
        ann.say(dm, "fence")
        for stream in (own, second):
            assert types(stream.until("message")) == ["read", "message"]
        assert types(others.until("message")) == ["message"]


def test_stats_count_the_subscriptions_of_each_conversation(
    team: Team, ann: Person, bob: Person, dm: str
) -> None:
    root = team.person("root", admin=True)
    group = team.group(ann, bob)
    empty: dict[str, dict[str, int]] = {"dmSubscriptions": {}, "groupSubscriptions": {}}
    assert root.get("/api/sse/stats").json == empty
    with listen(ann), listen(bob), listen(bob, f"dm:{dm}"):
        assert root.get("/api/sse/stats").json == {
            "dmSubscriptions": {dm: 3},
            "groupSubscriptions": {group: 2},
        }
    assert root.get("/api/sse/stats").json == empty
    assert bob.get("/api/sse/stats").status_code == 403


def test_an_open_stream_holds_no_database_connection(app: Flask, bob: Person, dm: str) -> None:
    with app.app_context():
        pool = db.engine.pool
    opened = [listen(bob) for _ in range(10)]
    for stream in opened:
        stream.ready()
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    for stream in opened:
        stream.close()
