"""What a slow subscriber has missed comes in pieces."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from chatapp.api import streams
from chatapp.api.delivery import current_delivery
from chatapp.domain import log, replay, tokens
from chatapp.realtime.entry import Entry, Revoke
from chatapp.realtime.subscriber import Subscriber
from tests.support.event_stream import EventStream
from tests.support.stream import listen
from tests.support.team import Person, Team


def test_it_comes_in_order_and_once_and_no_piece_is_large(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    texts = [f"{number} {'word ' * 400}".strip() for number in range(60)]
    with app.app_context():
        hub = current_delivery().hub
        subscriber = hub.register(bob.id, "sess", follows=True, wire=None)
        streams.attach(hub, subscriber, [])
        subscriber.position = log.head().position
    for text in texts:
        team.post(ann, dm, text)
    pieces = []
    with app.app_context():
        while subscriber.position < log.head().position:
            pieces.append(_caught_up_from(subscriber, subscriber.position))
        hub.remove(subscriber)
    heard = EventStream()
    events = heard.feed(b"".join(pieces))
    assert [event.json["content"] for event in events] == texts
    largest = max(len(piece) for piece in pieces)
    assert streams.PIECE <= largest < streams.PIECE + 10_000
    assert len(pieces) > 5


def test_a_long_replay_comes_in_pieces_too_and_then_it_is_ready(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    """Who comes back and reads nothing is kept no more for than who stops reading."""
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    texts = [f"{number} {'word ' * 400}".strip() for number in range(60)]
    for text in texts:
        team.post(ann, dm, text)
    with app.app_context():
        delivery = current_delivery()
        delivery.start()
        subscriber = delivery.hub.register(bob.id, "sess", follows=True, wire=None)
        streams.attach(delivery.hub, subscriber, [])
        pieces = [streams.opening(subscriber, cursor)]
        rest = subscriber.pieces(pieces[0], delivery.catch_up)
        assert [next(rest), next(rest)] == [pieces[0], b""]
        while b"event: ready" not in pieces[-1]:
            pieces.append(next(rest))
        assert delivery.catch_up(subscriber) == b""
        delivery.hub.remove(subscriber)
    assert max(map(len, pieces)) < streams.PIECE + 10_000
    events = EventStream().feed(b"".join(pieces))
    assert [event.json["content"] for event in events[:-1]] == texts
    assert (events[-1].type, events[-1].last_event_id) == ("ready", events[-1].json["cursor"])


def test_what_was_said_since_one_was_let_in_comes_too(
    app: Flask, team: Team, ann: Person, bob: Person
) -> None:
    with app.app_context():
        hub = current_delivery().hub
        subscriber = hub.register(bob.id, "sess", follows=True, wire=None)
        streams.attach(hub, subscriber, [])
        head = log.head()
        subscriber.position = head.position
    # The hub has read nothing of this yet, so it has not let the stream into the conversation.
    team.post(ann, team.dm(ann, bob), "Welcome")
    with app.app_context():
        for replay in (
            streams.opening(subscriber, f"{head.epoch}-{head.position}"),
            _caught_up_from(subscriber, head.position),
        ):
            heard = [event.json.get("type") for event in EventStream().feed(replay)]
            assert heard[:2] == ["conversation:joined", "message:created"]
        hub.remove(subscriber)


def test_a_named_channel_that_is_lost_while_its_stream_is_opened_ends_it(
    app: Flask, team: Team, ann: Person, bob: Person
) -> None:
    channel = f"dm:{team.dm(ann, bob)}"
    with app.app_context():
        hub = current_delivery().hub
        subscriber = hub.register(bob.id, "sess", follows=False, wire=None)
        hub.deliver([Entry(log.head().position, channel, None, effect=Revoke(bob.id))])
        streams.attach(hub, subscriber, [channel])
        assert subscriber.is_closing
        hub.remove(subscriber)


def test_a_named_channel_lost_and_granted_again_is_caught_up_with(
    app: Flask, team: Team, ann: Person, bob: Person
) -> None:
    group, other = team.group(ann, bob), team.group(ann, bob, name="Other")
    channels = [f"group:{group}", f"group:{other}"]
    with app.app_context():
        hub = current_delivery().hub
        subscriber = hub.register(bob.id, "sess", follows=False, wire=None)
        streams.attach(hub, subscriber, channels)
        head = log.head()
        hub.deliver([Entry(head.position, channels[0], None, effect=Revoke(bob.id))])
    # The hub has read of the removal, but not yet that he is back.
    ann.delete(f"/api/groups/{group}/members/{bob.id}")
    ann.post(f"/api/groups/{group}/members", json={"userIds": [bob.id]})
    team.post(ann, group, "Welcome back")
    with app.app_context():
        events = EventStream().feed(_caught_up_from(subscriber, head.position))
        assert [event.json.get("content") for event in events][-1] == "Welcome back"
        hub.remove(subscriber)


def test_who_is_shut_out_is_handed_nothing_committed_later(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    with app.app_context():
        me, hub = bob.identity, current_delivery().hub
        subscriber = hub.register(bob.id, me.credential_id, follows=True, wire=None)
        streams.attach(hub, subscriber, [])
        head = log.head()
    team.post(ann, dm, "before")
    with app.app_context():
        assert b"before" in _caught_up_from(subscriber, head.position)
        # The hub has not read of it: where Redis is away, that takes it 2 s.
        tokens.revoke(me, me.credential_id)
    team.post(ann, dm, "committed later")
    with app.app_context():
        for replay in (
            streams.opening(subscriber, f"{head.epoch}-{head.position}"),
            _caught_up_from(subscriber, head.position),
        ):
            assert b"committed later" not in replay
        hub.remove(subscriber)


def test_of_a_log_that_began_anew_a_slow_reader_is_handed_nothing_but_a_reset(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of what it has read may be lost, and other events may have its positions."""
    with app.app_context():
        delivery = current_delivery()
        delivery.start()
        subscriber = delivery.hub.register(bob.id, "sess", follows=True, wire=None)
        streams.attach(delivery.hub, subscriber, [])
        subscriber.position = log.head().position
        # Whoever delivers looks for that every 2 s, and has not yet.
        monkeypatch.setattr(delivery.follower, "_began_anew", lambda: None)
        epoch = log.renew_epoch()
    team.post(ann, dm, "of the new log")
    with app.app_context():
        (event,) = EventStream().feed(delivery.catch_up(subscriber))
        head = log.head()
        delivery.hub.remove(subscriber)
    assert (event.type, event.json["reason"]) == ("reset", "epoch")
    assert event.last_event_id == f"{epoch}-{head.position}"


def test_while_the_log_cannot_be_read_a_slow_reader_stays(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        delivery, missed = current_delivery(), replay.missed
        delivery.start()
        subscriber = delivery.hub.register(bob.id, "sess", follows=True, wire=None)
        streams.attach(delivery.hub, subscriber, [])
        head = log.head()
    team.post(ann, dm, "missed")

    def away(*_: object) -> None:
        monkeypatch.setattr(replay, "missed", missed)
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(replay, "missed", away)
    frames = subscriber.pieces(b"opening", delivery.catch_up)
    assert [next(frames), next(frames)] == [b"opening", b""]
    subscriber.lag_from(head.position)
    assert next(frames) == b""
    (event,) = EventStream().feed(next(frames))
    assert event.json["content"] == "missed"
    delivery.hub.remove(subscriber)


def _caught_up_from(subscriber: Subscriber, position: int) -> bytes:
    subscriber.position = position
    return streams.catch_up(subscriber, log.head().epoch)


def test_of_a_conversation_left_nothing_comes_but_that(
    team: Team, ann: Person, bob: Person
) -> None:
    group = team.group(ann, bob)
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    said = ann.say(group, "Hello")
    bob.post(f"/api/conversations/{group}/read", json={"messageId": said["id"]})
    assert bob.delete(f"/api/groups/{group}/members/{bob.id}").status_code == 204
    with listen(bob, cursor=cursor) as stream:
        assert [event.type for event in stream.ready()] == ["conversation:left"]
