"""One stream: direct writes, the queue, overflow, the end; on a fake socket, as full as told."""

from __future__ import annotations

import random

import pytest

from chatapp.realtime import frames
from chatapp.realtime.subscriber import NO_POSITION, QUEUE_BYTES, Subscriber, offer_to_all
from tests.support.fake_client import OPENING, FakeWire, client_of, frame, offer, positions, settle


def signal(subscriber: Subscriber) -> None:
    data = frames.event(b"{}", name="typing")
    subscriber.offer(NO_POSITION, data, frames.chunk(data))


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
    overflows: list[Subscriber] = []

    def catch_up(subscriber: Subscriber) -> bytes:
        overflows.append(subscriber)
        return _catch_up(subscriber, log)

    client = client_of(wire, catch_up=catch_up)
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
    assert overflows == [client.subscriber]
    client.close()


def test_who_takes_what_waits_never_overflows() -> None:
    client = client_of(None)  # nothing is to be caught up
    client.serve(OPENING)
    for position in range(1, 5):
        offer(client.subscriber, position, QUEUE_BYTES // 2)
        settle()
    assert positions(client) == [1, 2, 3, 4]
    client.close()


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


def test_an_event_for_all_waits_where_the_opening_is_not_out_or_the_socket_is_full() -> None:
    unopened, full, short, *_ = wires = [FakeWire() for _ in range(5)]
    clients = [client_of(wire) for wire in wires]
    for client in clients[1:]:
        client.serve(OPENING)
    full.room, short.room, clients[3].subscriber.position = 0, 7, 1
    counted = offer_to_all(
        [client.subscriber for client in clients], 1, frame(1), frames.chunk(frame(1))
    )
    # Of the last but one, who has it already, it is neither.
    assert counted == (2, 2)
    assert unopened.received == b""
    assert positions(clients[4]) == [1]
    clients[0].serve(OPENING)
    for wire in (full, short):
        wire.read()
    settle()
    assert [positions(client) for client in clients] == [[1], [1], [1], [], [1]]
    for client in clients:
        client.close()


def test_an_event_for_all_has_no_chunk_for_http_1_0_and_gets_past_no_tls() -> None:
    plain, sealed, broken, _ = wires = (
        FakeWire(chunked=False),
        FakeWire(is_sealed=True),
        FakeWire(),
        FakeWire(),
    )
    clients = [client_of(wire) for wire in (*wires, None)]
    for client in clients:
        client.serve(OPENING)
    broken.broken = True
    sends = sealed.sends
    everybody = [client.subscriber for client in clients]
    assert offer_to_all(everybody, 1, frame(1), frames.chunk(frame(1))) == (2, 2)
    assert plain.received == OPENING + frame(1)
    assert sealed.sends == sends
    settle()
    assert [positions(client) for client in clients] == [[1], [1], [], [1], [1]]
    assert [client.is_served for client in clients] == [True, True, False, True, True]
    for client in clients:
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
