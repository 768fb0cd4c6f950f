"""Heartbeats and lifetimes, beat by beat instead of second by second."""

from __future__ import annotations

import time

import pytest

from chatapp.realtime import frames
from chatapp.realtime.heartbeat import INTERVAL, PATIENCE, Heartbeat
from chatapp.realtime.hub import Hub
from chatapp.realtime.wire import PEER_TIMEOUT
from tests.support.fake_client import FakeClient, FakeWire, settle


def open_streams(hub: Hub, count: int) -> list[FakeClient]:
    clients = []
    for number in range(count):
        wire = FakeWire()
        client = FakeClient(hub.register(f"user_{number}", "sess", follows=True, wire=wire))
        client.serve()
        clients.append(client)
    return clients


def observe(_event: str, **_fields: object) -> None:
    """Hear nothing."""


def round_of_beats(heartbeat: Heartbeat) -> None:
    for share in range(INTERVAL):
        heartbeat.beat(share)
    settle()


def test_a_stream_is_pinged_at_the_beat_after_it_was_seen_and_then_once_a_round() -> None:
    hub = Hub(per_owner=1, most=100, observe=observe)
    heartbeat = Heartbeat(hub)
    heartbeat.beat(6)
    clients = open_streams(hub, 30)
    for beat in range(7, 7 + 3 * INTERVAL):
        heartbeat.beat(beat % INTERVAL)
        settle()
        pings = 1 + (beat - 8) // INTERVAL
        assert [client.body for client in clients] == [pings * frames.PING] * 30
    for client in clients:
        client.close()


def test_the_first_ping_is_a_beat_apart_from_the_end_of_the_replay() -> None:
    hub = Hub(per_owner=1, most=100, observe=observe)
    heartbeat = Heartbeat(hub)
    client = FakeClient(hub.register("ann", "sess", follows=True, wire=FakeWire()))
    heartbeat.beat(0)
    heartbeat.beat(1)
    client.serve(b"the replay")
    heartbeat.beat(2)
    settle()
    assert client.body == b"the replay"
    heartbeat.beat(3)
    settle()
    assert client.body == b"the replay" + frames.PING
    client.close()


def test_who_has_hung_up_is_let_go_at_its_beat() -> None:
    hub = Hub(per_owner=1, most=100, observe=observe)
    gone, there = open_streams(hub, 2)
    assert isinstance(gone.wire, FakeWire)
    gone.wire.broken = True
    round_of_beats(Heartbeat(hub))
    assert not gone.is_served
    assert gone.body == b""
    assert there.body == frames.PING
    there.close()


class HungUp(FakeWire):
    """Its client has hung up, and the kernel takes a first write all the same."""

    __slots__ = ()

    def is_gone(self) -> bool:
        return True


def test_who_has_hung_up_is_not_pinged_before_that_is_seen() -> None:
    hub = Hub(per_owner=1, most=100, observe=observe)
    client = FakeClient(hub.register("ann", "sess", follows=True, wire=HungUp()))
    client.serve()
    round_of_beats(Heartbeat(hub))
    assert not client.is_served
    assert client.body == b""


def test_who_is_being_written_to_is_pinged_a_beat_later() -> None:
    hub = Hub(per_owner=1, most=100, observe=observe)
    heartbeat = Heartbeat(hub)
    wire = FakeWire(room=0)
    client = FakeClient(hub.register("ann", "sess", follows=True, wire=wire))
    client.serve()
    heartbeat.beat(0)
    frame = frames.event(b"1", event_id="e-1")
    client.subscriber.offer(1, frame, frames.chunk(frame))
    settle()
    heartbeat.beat(1)
    wire.read()
    settle()
    assert client.body == frame
    heartbeat.beat(2)
    settle()
    assert client.body == frame + frames.PING
    client.close()


def beats_until_let_go() -> int:
    """Let a client vanish right after a ping; return how many beats later it is let go."""
    hub = Hub(per_owner=1, most=100, observe=observe)
    heartbeat = Heartbeat(hub)
    (gone,) = open_streams(hub, 1)
    pinged = beat = 1
    for share in (0, pinged):
        heartbeat.beat(share)
        settle()
    assert gone.body == frames.PING
    assert isinstance(gone.wire, FakeWire)
    gone.wire.broken = True
    while gone.is_served:
        beat += 1
        heartbeat.beat(beat % INTERVAL)
        settle()
    return beat - pinged


def test_who_vanished_is_let_go_before_the_next_ping() -> None:
    assert beats_until_let_go() == PATIENCE
    # The kernel has a second left; and one that vanishes right after a ping has the next to come.
    assert PEER_TIMEOUT / 1000 < PATIENCE < 30 - INTERVAL


def test_looking_after_a_ping_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWire, "is_gone", lambda _wire: False)
    assert beats_until_let_go() == INTERVAL


def test_the_interval_is_short_enough_to_notice_a_dead_stream() -> None:
    assert INTERVAL <= 20


def test_a_stream_past_its_lifetime_is_told_to_reconnect() -> None:
    hub = Hub(per_owner=1, most=100, observe=observe)
    old, young = open_streams(hub, 2)
    old.subscriber.expires_at = time.monotonic() - 1
    round_of_beats(Heartbeat(hub))
    assert {event.type for event in young.events()} == {"ping"}
    assert old.events()[-1].type == "reconnect"
    assert old.events()[-1].json == {"reason": "lifetime"}
    assert not old.is_served
    assert young.is_served
    young.close()
