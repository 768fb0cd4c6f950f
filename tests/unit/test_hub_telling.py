"""What the hub tells the log and the metrics."""

from __future__ import annotations

from chatapp.realtime.entry import Grant, Revoke
from tests.support.fake_client import FakeWire
from tests.support.house import House, entry


def test_it_tells_what_happens_with_how_many_are_left(house: House) -> None:
    ann, bob = house.client("ann", "group:g"), house.client("bob", "group:g")
    house.deliver(entry(1))
    house.hub.remove(ann.subscriber)
    house.hub.remove(bob.subscriber)
    assert house.told.of("client_connected") == [
        {"event": "client_connected", "user": "ann", "channels": {"group:g": 1}},
        {"event": "client_connected", "user": "bob", "channels": {"group:g": 2}},
    ]
    left = [(line["channels"], line["streams"]) for line in house.told.of("client_disconnected")]
    assert left == [({"group:g": 1}, 1), ({"group:g": 0}, 0)]
    assert house.told.of("broadcast") == [
        {
            "event": "broadcast",
            "channel": "group:g",
            "position": 1,
            "events": 1,
            "subscribers": 2,
            "direct": 2,
            "queued": 0,
        }
    ]


def test_it_tells_who_comes_and_goes_while_a_stream_is_open(house: House) -> None:
    house.client("ann", "team", follows=True)
    house.deliver(entry(1, effect=Grant("ann")), entry(2, effect=Revoke("ann")))
    told = [*house.told.of("subscription_added"), *house.told.of("subscription_removed")]
    assert [(line["user"], line["channel"], line["subscribers"]) for line in told] == [
        ("ann", "group:g", 1),
        ("ann", "group:g", 0),
    ]


def test_it_counts_what_was_written_at_once_and_what_waits(house: House) -> None:
    ann, bob = house.client("ann", "group:g"), house.client("bob", "group:g")
    assert isinstance(bob.wire, FakeWire)
    bob.wire.room = 0
    house.deliver(entry(1), entry(2))
    told = house.told.of("broadcast")
    assert [(line["direct"], line["queued"]) for line in told] == [(2, 2)]
    assert ann.subscriber.position == 2


def test_it_counts_the_events_that_were_shown(house: House) -> None:
    ann, bob = house.client("ann", "group:g"), house.client("bob", "group:g")
    bob.subscriber.position = 1
    house.deliver(entry(1), entry(2), entry(3, shown=False))
    (told,) = house.told.of("broadcast")
    assert (told["events"], told["position"], told["subscribers"]) == (2, 2, 2)
    assert (told["direct"], told["queued"]) == (2, 1)
    assert ann.subscriber.position == bob.subscriber.position == 2
