"""One stream: direct writes, the queue, overflow, the end; on a fake socket, as full as told."""

from __future__ import annotations

import random

import pytest

from chatapp.realtime import frames
from chatapp.realtime.subscriber import NO_POSITION, QUEUE_BYTES, Subscriber
from tests.support.fake_client import FakeClient, FakeWire, settle

OPENING = frames.event(b"opening", name="ready")


def frame(position: int, size: int = 1) -> bytes:
    return frames.event(b"%d %b" % (position, b"x" * size), event_id=f"e-{position}")


def offer(subscriber: Subscriber, position: int, size: int = 1) -> bool:
    data = frame(position, size)
    return subscriber.offer(position, data, frames.chunk(data))


def signal(subscriber: Subscriber) -> None:
    data = frames.event(b"{}", name="typing")
    subscriber.offer(NO_POSITION, data, frames.chunk(data))


def client_of(wire: FakeWire | None, **kwargs: object) -> FakeClient:
    return FakeClient(Subscriber("ann", "sess_1", wire=wire), **kwargs)  # type: ignore[arg-type]


def positions(client: FakeClient) -> list[int]:
    return [int(event.data.split()[0]) for event in client.events() if event.type == "message"]


def test_a_parked_subscriber_is_written_to_directly() -> None:
    wire = FakeWire()
    client = client_of(wire)
    client.serve(OPENING)
    sends = wire.sends
    assert offer(client.subscriber, 1)
    assert wire.sends == sends + 1
    assert positions(client) == [1]
    assert client.pieces == [OPENING]
    client.close()


def test_before_the_opening_is_out_events_wait_in_the_queue() -> None:
    client = client_of(FakeWire())
    assert not offer(client.subscriber, 1)
    client.serve(OPENING)
    assert [event.type for event in client.events()] == ["ready", "message"]
    client.close()


def test_where_nobody_may_write_past_the_server_all_waits_in_the_queue_and_is_one_piece() -> None:
    for wire in (None, FakeWire(is_sealed=True)):
        client = client_of(wire)
        client.serve(OPENING)
        for position in (1, 2, 3):
            assert not offer(client.subscriber, position)
        settle()
        assert client.pieces == [OPENING, frame(1) + frame(2) + frame(3)]
        client.close()


def test_http_1_0_gets_no_chunks() -> None:
    client = client_of(FakeWire(chunked=False))
    client.serve(OPENING)
    assert offer(client.subscriber, 1)
    assert client.body == OPENING + frame(1)
    client.close()


def test_what_a_replay_covered_is_dropped() -> None:
    for wire in (FakeWire(), None):
        client = client_of(wire)
        offer(client.subscriber, 5)
        client.subscriber.position = 5
        client.serve(OPENING)
        offer(client.subscriber, 4)
        offer(client.subscriber, 5)
        offer(client.subscriber, 6)
        settle()
        assert positions(client) == [6]
        client.close()


def test_a_full_socket_loses_nothing() -> None:
    wire = FakeWire()
    client = client_of(wire)
    client.serve(OPENING)
    wire.room = 0
    assert not offer(client.subscriber, 1)
    offer(client.subscriber, 2)
    settle()
    assert positions(client) == []
    wire.read()
    settle()
    assert positions(client) == [1, 2]
    client.close()


def test_a_short_write_is_finished_before_anything_else() -> None:
    for taken in range(1, len(frames.chunk(frame(1, 50)))):
        wire = FakeWire()
        client = client_of(wire)
        client.serve(OPENING)
        wire.room = taken
        offer(client.subscriber, 1, 50)
        offer(client.subscriber, 2)
        signal(client.subscriber)
        settle()
        assert positions(client) == []
        wire.read()
        settle()
        assert [event.type for event in client.events()][1:] == ["message", "message", "typing"]
        assert positions(client) == [1, 2]
        client.close()


def test_an_overflow_is_caught_up_from_the_log() -> None:
    log: list[bytes] = []
    wire = FakeWire()
    client = client_of(wire, catch_up=lambda subscriber: _catch_up(subscriber, log))
    client.serve(OPENING)
    wire.room = 10
    for position in range(1, 41):
        log.append(frame(position, QUEUE_BYTES // 10))
        offer(client.subscriber, position, QUEUE_BYTES // 10)
        settle()
        assert client.subscriber._queued_bytes <= QUEUE_BYTES
    wire.read()
    settle()
    log.append(frame(41))
    assert offer(client.subscriber, 41)
    assert positions(client) == list(range(1, 42))
    client.close()


def test_the_end_drops_the_queue_and_says_goodbye() -> None:
    goodbye = frames.event(b"{}", name="reconnect")
    client = client_of(None)
    client.serve(OPENING)
    offer(client.subscriber, 1)
    client.subscriber.end(goodbye)
    client.subscriber.end(b"never sent")
    offer(client.subscriber, 2)
    settle()
    assert client.pieces == [OPENING, goodbye]
    assert client.subscriber.is_closing
    assert not client.is_served


def test_the_end_after_a_short_write_finishes_the_chunk_first() -> None:
    wire = FakeWire()
    client = client_of(wire)
    client.serve(OPENING)
    wire.room = 7
    offer(client.subscriber, 1)
    client.subscriber.end(frames.event(b"{}", name="reconnect"))
    wire.read()
    settle()
    assert [event.type for event in client.events()] == ["ready", "message", "reconnect"]
    assert not client.is_served


def test_who_is_told_to_end_while_it_lags_is_handed_nothing_of_what_it_missed() -> None:
    goodbye = frames.event(b"{}", name="reconnect")
    wire = FakeWire()
    client = client_of(wire, catch_up=lambda _: frame(9))
    client.serve(OPENING)
    wire.room = 7
    for position in (1, 2, 3):
        offer(client.subscriber, position, QUEUE_BYTES * 2 // 3)  # in one reading of the log
    client.subscriber.end(goodbye)
    wire.read()
    settle()
    assert positions(client) == [1]
    assert [event.type for event in client.events()] == ["ready", "message", "reconnect"]
    assert not client.is_served


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_client_that_never_reads_is_cut_off(is_sealed: bool) -> None:
    wire = FakeWire(is_sealed=is_sealed)
    client = client_of(wire)
    client.serve(OPENING)
    wire.room = 7
    offer(client.subscriber, 1)
    settle()
    client.subscriber.cut()
    settle()
    assert wire.aborted
    assert not client.is_served


@pytest.mark.parametrize("room", [0, 7])  # with nothing taken, and with a part
def test_a_client_is_cut_off_in_the_turn_that_fills_its_socket(room: int) -> None:
    wire = FakeWire()
    client = client_of(wire)
    client.serve(OPENING)
    wire.room = room
    offer(client.subscriber, 1)
    client.subscriber.cut(frames.event(b"{}", name="reconnect"))
    settle()
    assert wire.aborted
    assert not client.is_served


def test_a_client_that_reads_is_told_goodbye_when_cut() -> None:
    wire = FakeWire()
    client = client_of(wire)
    client.serve(OPENING)
    client.subscriber.cut(frames.event(b"{}", name="reconnect"))
    settle()
    assert not wire.aborted
    assert [event.type for event in client.events()] == ["ready", "reconnect"]


def test_a_broken_socket_ends_the_stream() -> None:
    wire = FakeWire()
    client = client_of(wire)
    client.serve(OPENING)
    wire.broken = True
    assert not offer(client.subscriber, 1)
    settle()
    assert not client.is_served


def test_a_ping_is_sent_to_those_alone_who_wait() -> None:
    chunk = frames.chunk(frames.PING)
    wire = FakeWire()
    client = client_of(wire)
    client.subscriber.ping(frames.PING, chunk)
    client.serve(OPENING)
    assert [event.type for event in client.events()] == ["ready"]
    client.subscriber.ping(frames.PING, chunk)
    assert [event.type for event in client.events()] == ["ready", "ping"]
    wire.room = 3
    offer(client.subscriber, 1)
    client.subscriber.ping(frames.PING, chunk)
    wire.read()
    settle()
    assert [event.type for event in client.events()] == ["ready", "ping", "message"]
    client.close()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_socket_does_all_comes_in_order_and_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.realtime.subscriber.QUEUE_BYTES", 1000)
    chance = random.Random(seed)
    log = [frame(position, chance.choice((1, 30, 400))) for position in range(1, 60)]
    known: list[bytes] = []
    wire = FakeWire(is_sealed=seed % 5 == 1) if seed % 5 else None
    client = client_of(wire, catch_up=lambda subscriber: _catch_up(subscriber, known))
    client.serve(OPENING)
    for position, data in enumerate(log, 1):
        known.append(data)
        client.subscriber.offer(position, data, frames.chunk(data))
        if wire is not None and chance.random() < 0.4:
            wire.read(chance.choice((0, 1, 40, 200, 10**9)))
        if chance.random() < 0.4:
            settle()
    if wire is not None:
        wire.read()
    settle()
    assert positions(client) == list(range(1, 60))
    client.close()


def _catch_up(subscriber: Subscriber, log: list[bytes]) -> bytes:
    missed = log[subscriber.position :]
    subscriber.position = len(log)
    return b"".join(missed)
