"""Publishing at every moment of subscribing, replaying and going live; overflows and removals."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatapp.api import streams
from chatapp.realtime.entry import Disconnect, Entry
from chatapp.realtime.hub import Hub
from chatapp.realtime.subscriber import Subscriber
from tests.support.list_log import CHANNEL, RETURNER, ListLog
from tests.support.race import Faults, shows, total

QUICK = range(400)


def test_every_moment_is_complete() -> None:
    assert total(QUICK) == (Faults(), [])


@pytest.mark.long
def test_every_moment_is_complete_in_many_trials(record_property: Callable[..., None]) -> None:
    record_property("trials", 10_000)
    assert total(range(10_000)) == (Faults(), [])


# What follows shows that each protection matters: without it, the same trials find the fault.


def test_dropping_what_was_replayed_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = Subscriber.offer

    def offer_all(self: Subscriber, position: int, frame: bytes, chunk: bytes) -> bool:
        self.position, kept = min(self.position, position - 1), self.position
        try:
            return offer(self, position, frame, chunk)
        finally:
            self.position = max(self.position, kept)

    def all_due(self: Subscriber, items: list[tuple[int, bytes]]) -> list[bytes]:
        for position, _ in items:
            self.position = max(self.position, position)
        return [frame for _, frame in items]

    monkeypatch.setattr(Subscriber, "offer", offer_all)
    monkeypatch.setattr(Subscriber, "_still_due", all_due)
    assert shows("doubled")


def test_subscribing_before_the_replay_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    attach, opening = streams.attach, streams.opening
    late: list[tuple[Hub, Subscriber, list[str]]] = []

    def attached_after(subscriber: Subscriber, last_seen: str | None) -> bytes:
        subscriber.channels = (CHANNEL,)
        replay = opening(subscriber, last_seen)
        subscriber.channels = ()
        hub, named = next((hub, named) for hub, known, named in late if known is subscriber)
        attach(hub, subscriber, named)
        return replay

    monkeypatch.setattr(streams, "attach", lambda *call: late.append(call))
    monkeypatch.setattr(streams, "opening", attached_after)
    assert shows("lost")


def test_asking_who_hears_after_the_rows_were_read_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    after = ListLog.after

    def asked_before(
        log: ListLog, hears: Callable[[str], bool], position: int, limit: int
    ) -> list[Entry]:
        heard = hears(CHANNEL)
        return after(log, lambda _: heard, position, limit)

    monkeypatch.setattr(ListLog, "after", asked_before)
    assert shows("lost")


def test_catching_up_after_an_overflow_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "catch_up", lambda _, **__: b"")
    assert shows("lost")


def test_going_on_behind_a_piece_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subscriber, "lag_from", lambda *_: None)
    assert shows("lost")


def test_writing_directly_to_parked_streams_alone_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(self: Subscriber, position: int, frame: bytes, chunk: bytes) -> bool:
        if self.wire is None or position <= self.position:
            return False
        return self._write(self.wire, position, frame, chunk)

    monkeypatch.setattr(Subscriber, "offer", always)
    assert shows("torn")


@pytest.mark.parametrize("kind", ["lost", "leaked"])
def test_replaying_what_may_be_read_by_then_matters(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListLog, "may_read", lambda log, user: log.told[user])
    assert shows(kind)


def test_revoking_in_the_order_of_the_log_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "_take_away", lambda *_: None)
    assert shows("leaked")


def test_singling_out_streams_whose_replay_is_not_known_yet_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Then what is not parked takes a run as a whole, unless its position says that it has a part.
    monkeypatch.setattr(Subscriber, "is_parked", True)
    assert shows("doubled")


def test_singling_out_streams_in_the_middle_of_a_run_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Hub, "_single_out", staticmethod(lambda subscribers, _: (subscribers, 0)))
    assert shows("doubled")


def test_granting_what_was_named_again_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    attach = streams.attach

    def attached(hub: Hub, subscriber: Subscriber, named: list[str]) -> None:
        attach(hub, subscriber, named)
        subscriber.named = frozenset()

    monkeypatch.setattr(streams, "attach", attached)
    assert shows("lost")


def test_losing_what_was_named_while_it_is_open_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    revoke = Hub._revoke

    def revoked(hub: Hub, owner: str, channel: str) -> None:
        if owner != RETURNER:
            revoke(hub, owner, channel)

    monkeypatch.setattr(Hub, "_revoke", revoked)
    assert shows("leaked")


def test_remembering_what_was_lost_during_the_opening_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attach = Hub.attach

    def attached_all(hub: Hub, subscriber: Subscriber, channels: list[str]) -> None:
        subscriber.revoked = frozenset()
        attach(hub, subscriber, channels)

    monkeypatch.setattr(Hub, "attach", attached_all)
    assert shows("leaked")


def test_replaying_nothing_to_who_is_shut_out_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ListLog, "may_replay", lambda *_: True)
    assert shows("leaked")


def test_ending_the_streams_of_who_is_shut_out_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    apply = Hub._take_away

    def applied(hub: Hub, entry: Entry) -> None:
        if not isinstance(entry.effect, Disconnect):
            apply(hub, entry)

    monkeypatch.setattr(Hub, "_take_away", applied)
    assert shows("leaked")
