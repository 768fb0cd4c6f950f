"""How one stream ends: told goodbye, or cut off where its client does not read."""

from __future__ import annotations

import pytest

from chatapp.realtime import frames
from chatapp.realtime.subscriber import QUEUE_BYTES, Subscriber
from tests.support.fake_client import OPENING, FakeWire, client_of, frame, offer, positions, settle


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


def test_a_client_that_never_reads_its_opening_is_cut_off() -> None:
    wire = FakeWire(room=7)
    client = client_of(wire)
    client.serve(OPENING)
    client.subscriber.cut(frames.event(b"{}", name="reconnect"))
    settle()
    assert wire.aborted
    assert not client.is_served


def test_where_there_is_no_socket_to_break_a_cut_is_an_end() -> None:
    client = client_of(None)
    pieces = client.subscriber.pieces(OPENING, _catch_up_of_nothing)
    assert next(pieces) == OPENING
    client.subscriber.cut(b"goodbye")
    assert [*pieces] == [b"", b"goodbye"]


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


def _catch_up_of_nothing(_subscriber: Subscriber) -> bytes:
    return b""
