"""Who is online, beat by beat: coming, going, the grace, what processes tell each other."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from chatapp.realtime import presence as module
from chatapp.realtime.doorbell import MOST_BYTES
from chatapp.realtime.presence import EXPIRY, GRACE, HUSH, MOST_NAMED, REFRESH, Presence


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Process:
    """One process: who has streams in it, and what its own streams were told."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.owners: set[str] = set()
        self.told: list[tuple[list[str], list[str]]] = []
        self.sent: list[bytes] = []
        self.presence = Presence(lambda: self.owners, self._tell)
        self.others: list[Process] = []
        #: Whether the other processes hear it.
        self.is_heard = True

    def join(self, other: Process) -> None:
        """Let the two hear each other from now on."""
        for one, another in ((self, other), (other, self)):
            one.others.append(another)
            one.presence.send = one._send
        self.presence.ask()
        other.presence.ask()

    def beat(self, after: float = 1.0) -> list[tuple[list[str], list[str]]]:
        """Let time pass, beat, and return what the streams are told by it."""
        self.clock.now += after
        self.told.clear()
        self.presence.beat()
        return list(self.told)

    def _tell(self, online: Collection[str], offline: Collection[str]) -> None:
        self.told.append((list(online), list(offline)))

    def _send(self, process: str, message: bytes) -> None:
        self.sent.append(message)
        for other in self.others if self.is_heard else ():
            other.presence.heard(process, message)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def process(clock: Clock) -> Process:
    return Process(clock)


@pytest.fixture
def pair(clock: Clock) -> tuple[Process, Process]:
    one, two = Process(clock), Process(clock)
    one.join(two)
    return one, two


def test_all_who_came_since_the_last_beat_are_one_signal(process: Process) -> None:
    process.owners = {"ann", "bob"}
    assert process.beat() == [(["ann", "bob"], [])]
    assert process.beat() == []
    assert process.presence.online() == ["ann", "bob"]


def test_who_left_is_gone_after_the_grace_and_not_before(process: Process) -> None:
    process.owners = {"ann"}
    process.beat()
    process.owners = set()
    assert process.beat() == []
    assert process.beat(GRACE - 1) == []
    assert process.presence.is_online("ann")
    assert process.beat() == [([], ["ann"])]
    assert not process.presence.is_online("ann")


def test_a_reload_is_told_to_nobody(process: Process) -> None:
    process.owners = {"ann"}
    process.beat()
    process.owners = set()
    process.beat()
    process.owners = {"ann"}
    assert process.beat() == []
    assert process.beat(GRACE + 1) == []
    assert process.presence.is_online("ann")


def test_a_crowd_is_one_signal_without_names_and_then_a_silence(process: Process) -> None:
    process.owners = {f"user_{number}" for number in range(MOST_NAMED + 1)}
    assert process.beat() == [([], [])]
    process.owners |= {"ann"}
    assert process.beat() == []
    assert process.beat(HUSH) == [(["ann"], [])]


def test_what_was_undone_within_the_silence_is_no_news(process: Process) -> None:
    process.owners = crowd = {f"user_{number}" for number in range(MOST_NAMED + 1)}
    process.beat()
    process.owners = crowd | {"ann"}
    process.beat()
    process.presence.drop("ann")
    process.owners = crowd
    assert process.beat(HUSH) == []


def test_who_is_shut_out_has_no_grace(process: Process) -> None:
    process.owners = {"ann", "bob"}
    process.beat()
    process.owners = {"bob"}
    process.presence.drop("ann")
    assert process.presence.online() == ["bob"]
    assert process.beat() == [([], ["ann"])]
    process.presence.drop("nobody")
    assert process.beat() == []


def test_processes_hear_of_each_others_people(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.owners = {"ann"}
    one.beat()
    assert two.beat(0) == [(["ann"], [])]
    one.owners = set()
    one.beat()
    assert two.beat(GRACE) == [([], ["ann"])]


def test_one_who_moves_to_another_process_stays_online(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.owners = {"ann"}
    one.beat()
    two.beat()
    one.owners, two.owners = set(), {"ann"}
    for _ in range(3 * int(GRACE)):
        assert one.beat() == two.beat(0) == []
    assert one.presence.is_online("ann")


def test_with_streams_in_two_processes_leaving_one_is_not_leaving(
    pair: tuple[Process, Process],
) -> None:
    one, two = pair
    one.owners = two.owners = {"ann"}
    one.beat()
    two.beat()
    one.owners = set()
    for _ in range(3 * int(GRACE)):
        assert one.beat() == two.beat(0) == []


def test_a_killed_process_takes_its_people_with_it(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.owners, two.owners = {"ann"}, {"bob"}
    one.beat()
    assert two.beat() == [(["ann", "bob"], [])]
    # From here on it beats no more.
    assert two.beat(EXPIRY - 2) == []
    assert two.presence.is_online("ann")
    two.beat(2)
    assert two.beat(GRACE) == [([], ["ann"])]
    assert two.presence.online() == ["bob"]


def test_a_process_that_goes_on_keeps_its_people(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.owners = {"ann"}
    one.beat()
    two.beat()
    for _ in range(int(3 * EXPIRY)):
        one.beat()
        assert two.beat(0) == []
    assert two.presence.is_online("ann")
    # A change and no more: what is refreshed is refreshed once in REFRESH.
    assert len(one.sent) < 5 + 3 * EXPIRY / REFRESH


def test_what_was_lost_on_the_way_is_made_up_for(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.beat()
    one.is_heard, one.owners = False, {"ann"}
    one.beat()
    assert two.beat() == []
    one.is_heard = True
    one.beat(REFRESH)
    assert two.beat() == [(["ann"], [])]


def test_a_process_that_begins_is_told_of_everybody(clock: Clock) -> None:
    one, two = Process(clock), Process(clock)
    one.presence.send = one._send
    one.owners = {"ann"}
    one.beat()
    two.join(one)
    one.beat()
    assert two.beat() == [(["ann"], [])]


def test_whoever_is_shut_out_is_so_in_each_process(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.owners = {"ann"}
    one.beat()
    two.beat()
    one.owners = set()
    two.presence.drop("ann")
    assert not two.presence.is_online("ann")
    assert two.beat() == [([], ["ann"])]
    one.presence.drop("ann")
    one.beat()
    assert two.beat(EXPIRY) == []
    assert not two.presence.is_online("ann")


def test_a_message_to_the_others_fits_the_doorbell(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.owners = {f"user_{number:035}" for number in range(1000)}
    one.beat()
    two.beat()
    assert two.presence.online() == sorted(one.owners)
    # With room for its first line.
    assert max(len(message) for message in one.sent) < MOST_BYTES - 100


def test_a_claim_that_came_after_somebody_was_shut_out_is_taken_back(
    pair: tuple[Process, Process],
) -> None:
    one, other = pair
    one.owners.add("ann")
    one.beat()
    other.presence.drop("ann")
    one.beat(REFRESH)  # it has not heard of that yet
    assert other.presence.is_online("ann")
    one.owners.clear()
    one.presence.drop("ann")
    other.beat(GRACE + 1)
    assert not other.presence.is_online("ann")


def test_a_claim_expires_though_an_earlier_one_was_renewed(process: Process) -> None:
    for one, claim in (("p1", b"+ann"), ("p2", b"+bob")):
        process.presence.heard(one, claim)
    process.beat(EXPIRY / 2)
    process.presence.heard("p1", b"+ann")
    process.beat(EXPIRY / 2 + 1)
    process.beat(GRACE + 1)
    assert process.presence.online() == ["ann"]


def test_who_is_shut_out_in_the_grace_is_gone_at_once(process: Process) -> None:
    process.owners.add("ann")
    process.beat()
    process.owners.clear()
    process.beat()
    assert process.presence.is_online("ann")
    process.presence.drop("ann")
    assert not process.presence.is_online("ann")
    assert process.beat() == [([], ["ann"])]
