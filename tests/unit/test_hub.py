"""Fan-out, subscriptions in the order of the log, revocation, limits, draining."""

from __future__ import annotations

import time
import tracemalloc

import gevent
import pytest

from chatapp.realtime import frames
from chatapp.realtime.entry import Disconnect, Entry, Grant, Revoke
from chatapp.realtime.hub import LIFETIME, Full, TooManyStreams
from chatapp.realtime.subscriber import QUEUE_BYTES
from tests.support.fake_client import FakeClient, FakeWire, settle
from tests.support.house import House, entry


def heard(client: FakeClient) -> list[int]:
    return [int(event.data) for event in client.events() if event.type == "message"]


def farewells(client: FakeClient) -> list[str]:
    return [event.json["reason"] for event in client.events() if event.type == "reconnect"]


def test_an_event_reaches_the_subscribers_of_its_channel_alone(house: House) -> None:
    ann, bob = house.client("ann", "group:g", "dm:d"), house.client("bob", "group:g")
    eve = house.client("eve", "group:other")
    house.deliver(entry(1), entry(2, "dm:d"), entry(3, "group:other"))
    assert (heard(ann), heard(bob), heard(eve)) == ([1, 2], [1], [3])


def test_neighbours_on_a_channel_leave_in_one_write(house: House) -> None:
    ann = house.client("ann", "group:g", "dm:d")
    assert isinstance(ann.wire, FakeWire)
    sends = ann.wire.sends
    house.deliver(entry(1), entry(2), entry(3, shown=False), entry(4), entry(5, "dm:d"))
    assert heard(ann) == [1, 2, 4, 5]
    assert ann.wire.sends == sends + 2


def test_who_replayed_a_part_of_a_write_is_sent_the_rest(house: House) -> None:
    ann = house.client("ann", "group:g")
    ann.subscriber.position = 2
    house.deliver(entry(1), entry(2), entry(3), entry(4))
    assert heard(ann) == [3, 4]


def test_what_is_not_shown_brings_nobody_an_event_again_that_they_have(house: House) -> None:
    ann = house.client("ann", "group:g")
    ann.subscriber.position = 2
    house.deliver(entry(2), entry(3, shown=False))
    assert heard(ann) == []


def test_what_is_for_one_reaches_their_streams_alone(house: House) -> None:
    ann, second = house.client("ann", "group:g"), house.client("ann", "dm:d")
    bob = house.client("bob", "group:g")
    house.deliver(entry(1, recipient="ann"), entry(2))
    assert (heard(ann), heard(second), heard(bob)) == ([1, 2], [], [2])


def test_a_grant_comes_before_its_event_and_only_to_streams_that_follow(house: House) -> None:
    following, named = house.client("ann", follows=True), house.client("ann", "dm:d")
    house.deliver(entry(1), entry(2, recipient="ann", effect=Grant("ann")), entry(3))
    assert heard(following) == [2, 3]
    assert heard(named) == []


def test_a_revocation_comes_after_its_event_and_before_the_next(house: House) -> None:
    ann, bob = house.client("ann", "group:g", "dm:d"), house.client("bob", "group:g")
    house.deliver(
        entry(1), entry(2, recipient="ann", effect=Revoke("ann")), entry(3), entry(4, "dm:d")
    )
    assert (heard(ann), heard(bob)) == ([1, 2, 4], [1, 3])
    assert ann.is_served


def test_a_stream_that_loses_its_last_channel_ends(house: House) -> None:
    ann = house.client("ann", "group:g")
    house.deliver(entry(1, recipient="ann", effect=Revoke("ann")), entry(2))
    assert heard(ann) == [1]
    assert farewells(ann) == ["revoked"]
    assert not ann.is_served


def test_leaving_and_coming_back_in_one_batch_is_in_the_order_of_the_log(house: House) -> None:
    ann = house.client("ann", "team", "group:g", follows=True)
    house.deliver(
        entry(1, recipient="ann", effect=Revoke("ann")),
        entry(2),
        entry(3, recipient="ann", effect=Grant("ann")),
        entry(4),
    )
    assert heard(ann) == [1, 3, 4]


def test_a_channel_revoked_while_the_stream_was_opened_is_not_attached(house: House) -> None:
    subscriber = house.hub.register("ann", "sess", follows=True, wire=None)
    house.deliver(entry(1, recipient="ann", effect=Revoke("ann")))
    house.hub.attach(subscriber, ["group:g", "dm:d"])
    assert set(subscriber.channels) == {"dm:d"}
    house.deliver(entry(2, recipient="ann", effect=Grant("ann")))
    assert set(subscriber.channels) == {"dm:d", "group:g"}


def test_a_credential_ends_with_its_own_streams(house: House) -> None:
    first = house.client("ann", "group:g", credential="sess_1")
    second = house.client("ann", "group:g", credential="sess_2")
    bob = house.client("bob", "group:g", credential="sess_1")
    house.deliver(entry(1), entry(2, "", shown=False, effect=Disconnect("ann", "sess_1")), entry(3))
    assert (heard(first), heard(second), heard(bob)) == ([1], [1, 3], [1, 3])
    assert farewells(first) == ["revoked"]
    assert not first.is_served


def test_a_person_ends_with_all_their_streams(house: House) -> None:
    streams = [house.client("ann", "group:g", credential=name) for name in ("sess_1", "token_1")]
    house.deliver(entry(1, "", shown=False, effect=Disconnect("ann")), entry(2))
    for stream in streams:
        assert (heard(stream), farewells(stream)) == ([], ["revoked"])
    assert len(house.hub) == 0


def test_a_signal_reaches_the_channel_and_moves_no_position(house: House) -> None:
    ann, eve = house.client("ann", "group:g"), house.client("eve", "dm:d")
    house.deliver(entry(7))
    house.hub.signal("group:g", frames.event(b"{}", name="typing"))
    assert [event.type for event in ann.events()] == ["ready", "message", "typing"]
    assert [event.type for event in eve.events()] == ["ready"]
    assert ann.events()[-1].last_event_id == "e-7"
    assert ann.subscriber.position == 7


def test_the_limits_of_an_owner_and_of_the_process(house: House) -> None:
    for _ in range(3):
        house.client("ann")
    with pytest.raises(TooManyStreams):
        house.client("ann")
    last = [house.client("bob"), house.client("eve")][-1]
    with pytest.raises(Full):
        house.client("dan")
    house.hub.remove(last.subscriber)
    house.hub.remove(last.subscriber)
    house.client("dan")
    assert len(house.hub) == 5


def test_streams_whose_client_hung_up_make_room_for_new_ones(house: House) -> None:
    first, *_ = [house.client("ann") for _ in range(3)]
    with pytest.raises(TooManyStreams):
        house.client("ann")
    assert isinstance(first.wire, FakeWire)
    first.wire.broken = True
    house.client("ann")
    assert len(house.hub) == 3


def test_draining_ends_every_stream_and_takes_no_new_one(house: House) -> None:
    clients = [house.client("ann", "group:g"), house.client("bob", "group:g")]
    house.hub.drain()
    settle()
    for client in clients:
        assert farewells(client) == ["restart"]
        assert not client.is_served
    with pytest.raises(Full):
        house.client("ann")


def test_who_reads_no_goodbye_is_abandoned(house: House) -> None:
    ann = house.client("ann", "group:g")
    assert isinstance(ann.wire, FakeWire)
    ann.wire.room = 3
    house.deliver(entry(1))
    house.hub.drain()
    settle()
    assert ann.is_served
    house.hub.abandon()
    settle()
    assert not ann.is_served


def test_nothing_is_left_of_a_subscriber_that_was_removed(house: House) -> None:
    ann, bob = house.client("ann", "group:g", "dm:d"), house.client("bob", "group:g")
    assert house.hub.counts() == {"group:g": 2, "dm:d": 1}
    house.hub.remove(ann.subscriber)
    assert house.hub.counts() == {"group:g": 1}
    house.hub.remove(bob.subscriber)
    assert house.hub.counts() == {}
    assert house.hub.subscribers() == []
    assert (house.hub._channels, house.hub._owners) == ({}, {})


def test_who_has_hung_up_makes_room_and_is_let_go(house: House) -> None:
    gone, *others = [house.client("ann", "group:g") for _ in range(house.hub.per_owner)]
    assert isinstance(gone.wire, FakeWire)
    gone.wire.broken = True
    others.append(house.client("ann", "group:g"))
    settle()
    assert not gone.is_served
    assert all(client.is_served for client in others)


@pytest.mark.parametrize("way", ["deliver", "signal"])
def test_others_have_a_turn_while_many_are_written_to(
    house: House, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("chatapp.realtime.hub.BREATH", 2)
    clients = [house.client(name, "group:g") for name in "abcde"]
    reached: list[int] = []

    def look() -> None:
        while len(reached) < 10:
            reached.append(sum(len(client.events()) > 1 for client in clients))
            gevent.sleep(0)

    looking = gevent.spawn(look)
    if way == "deliver":
        house.hub.deliver([entry(1)])
    else:
        house.hub.signal("group:g", frames.event(b"{}", name="typing"))
    looking.join()
    assert {2, 4, 5} <= {*reached}


def test_streams_opened_together_end_apart(house: House) -> None:
    begun = time.monotonic()
    ends = sorted(house.client(name).subscriber.expires_at for name in "abcde")
    assert len(set(ends)) == 5
    assert begun + LIFETIME[0] <= ends[0]
    assert ends[-1] <= time.monotonic() + LIFETIME[1]


def test_who_was_cut_off_while_being_opened_is_not_kept(house: House) -> None:
    subscriber = house.hub.register("ann", "sess", follows=True, wire=FakeWire())
    house.deliver(entry(1, effect=Disconnect("ann")))
    house.hub.attach(subscriber, ["group:g"])
    house.hub.remove(subscriber)
    assert house.hub.counts() == {}
    client = FakeClient(subscriber)
    client.serve(frames.event(b"{}", name="ready"))
    assert [event.type for event in client.events()] == ["reconnect"]


def test_a_named_channel_that_is_granted_again_goes_on(house: House) -> None:
    ann = house.client("ann", "group:g", "dm:d")
    ann.subscriber.named = frozenset({"group:g", "dm:d"})
    house.deliver(entry(1), entry(2, effect=Revoke("ann")), entry(3))
    house.deliver(entry(4, effect=Grant("ann")), entry(5), entry(6, "group:other"))
    assert heard(ann) == [1, 2, 4, 5]


def test_a_burst_to_those_who_do_not_read_takes_little_memory(house: House) -> None:
    clients = [house.client(f"user{number}", "group:g") for number in range(5)]
    for client in clients:
        assert isinstance(client.wire, FakeWire)
        client.wire.room = 1000
    burst = [
        Entry(number, "group:g", frames.event(b"%b" % (b"x" * 20_000), event_id=f"e-{number}"))
        for number in range(1, 201)
    ]
    tracemalloc.start()
    house.deliver(*burst)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # What waits is shared: one write, and as much again where its parts wait one by one.
    assert grown < 4 * QUEUE_BYTES
