"""One trial of a race: somebody writes to a log while streams are opened, read slowly, revoked,
while somebody is let into the conversation, somebody who has named it loses it and regains it, and
somebody is shut out.

The hub, the follower, the subscribers and the opening of streams are the real ones. The log is a
list that lets other greenlets run between any two of its steps, as PostgreSQL's driver does, and
the sockets take as much as the dice say. Thousands of trials take seconds; each has a number, by
which it can be had again.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import MagicMock

import gevent
import pytest

from chatapp.api import events, streams
from chatapp.domain.errors import NotFound
from chatapp.domain.log import Logged
from chatapp.realtime import frames
from chatapp.realtime.follower import Follower
from chatapp.realtime.hub import Hub
from tests.support.list_log import (
    CHANNEL,
    NEWCOMER,
    OTHER,
    RETURNER,
    SHUT_OUT,
    ListLog,
    entries,
)

EVENTS = 12
_EVENT = re.compile(rb"id: e-(\d+)\ndata: \{\}")
_CONTROL = re.compile(rb"^event: (ready|reconnect)$", re.MULTILINE)
#: Turns of the loop after which what has not come is lost.
TURNS = 500


class Faults(NamedTuple):
    """What a client of the trial got that it should not have, or did not get."""

    lost: int = 0
    doubled: int = 0
    torn: int = 0
    #: Committed after the client had been removed, or shut out.
    leaked: int = 0


class Socket:
    """In the place of a ``Wire``: it takes some bytes at once, and the rest in its own time."""

    chunked = True
    is_sealed = False

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.taken = b""

    def try_send(self, data: bytes) -> int:
        size = self._dice.choice((len(data), len(data), len(data), 0, 7))
        self.taken += data[:size]
        return min(size, len(data))

    send_now = try_send

    def send_all(self, data: bytes) -> None:
        cut = self._dice.randrange(len(data) + 1)
        self.taken += data[:cut]
        for _ in range(self._dice.choice((0, 1, 3))):
            gevent.sleep(0)
        self.taken += data[cut:]

    def abort(self) -> None:
        pass


class Client:
    """One stream of the trial, from a cursor of its own."""

    def __init__(self, owner: str, start: int, dice: Random) -> None:
        self.owner, self.start = owner, start
        self.socket = Socket(dice)
        self.left_at: int | None = None
        self.joined_at = 0
        #: Heard of the channel while it was lost.
        self.leaked = 0
        self._named = [CHANNEL, OTHER] if owner == RETURNER else []

    def serve(self, hub: Hub, log: ListLog) -> None:
        """Open the stream, again and again while a channel that it names may not be read."""
        while True:
            with suppress(NotFound):
                return self._serve(hub, log)
            gevent.sleep(0)

    def _serve(self, hub: Hub, log: ListLog) -> None:
        """Do what ``chatapp.api.sse``, ``shut_out`` and gunicorn do."""
        noted = hub.revocations
        if not log.is_signed_in(self.owner):
            return
        subscriber = hub.register(
            self.owner,
            "c",
            follows=self.owner == NEWCOMER,
            wire=self.socket,  # type: ignore[arg-type]
        )
        try:
            if hub.revocations != noted and not log.is_signed_in(self.owner):
                return
            streams.attach(hub, subscriber, self._named)
            opening = streams.opening(subscriber, f"e-{self.start}")
            for piece in subscriber.pieces(opening, partial(streams.catch_up, epoch="e")):
                if piece:
                    self.socket.send_all(frames.chunk(piece))
        finally:
            hub.remove(subscriber)

    def faults(self, log: ListLog) -> Faults:
        """Compare what came with what was due."""
        try:
            heard = positions(unchunked(self.socket.taken))
        except ValueError:
            return Faults(torn=1)
        wrong_order = sum(a >= b for a, b in pairwise(heard))
        last = len(log.rows) if self.left_at is None else self.left_at
        may = {row.position: row.channel for row in log.rows[:last] if self._may_hear(row)}
        # Whoever is removed is owed nothing any more: a replay obeys today's membership. Whoever
        # is let in is owed what comes from there on.
        first = {CHANNEL: max(self.start + 1, self.joined_at), OTHER: self.start + 1}
        due = {number for number, channel in may.items() if number >= first[channel]}
        lost = due - set(heard) if self.left_at is None else ()
        leaked = self.leaked + len(set(heard) - may.keys())
        return Faults(lost=len(lost), doubled=wrong_order, leaked=leaked)

    def note_leaks(self, log: ListLog, left_at: int) -> None:
        """Note what has come of the channel so far, though it was committed behind its loss."""
        with suppress(ValueError):  # torn: that is found in the end
            heard = positions(unchunked(self.socket.taken))
            lost = (log.rows[number - 1].channel == CHANNEL for number in heard if number > left_at)
            self.leaked += sum(lost)

    def _may_hear(self, row: Logged) -> bool:
        if row.channel != CHANNEL and (row.channel, self.owner) != (OTHER, RETURNER):
            return False
        return row.recipient_id in (None, self.owner)


def unchunked(data: bytes) -> bytes:
    """Return what the chunks hold; the last one may be incomplete.

    Raises:
        ValueError: these are no chunks.
    """
    held = []
    while b"\r\n" in data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        if rest[length : length + 2] not in (b"\r\n", b"\r", b""):
            raise ValueError("no chunk's end")
        held.append(rest[:length])
        data = rest[length + 2 :]
    return b"".join(held)


def positions(stream: bytes) -> list[int]:
    """Return the positions of the events in ``stream``; the last one may be incomplete.

    Raises:
        ValueError: there is something else in between.
    """
    *blocks, _ = stream.split(b"\n\n")
    events = [block for block in blocks if not _CONTROL.search(block)]
    matches = [_EVENT.fullmatch(block) for block in events]
    if None in matches:
        raise ValueError("no event")
    return [int(match[1]) for match in matches if match]


def trial(number: int, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Run one trial and add up what went wrong for its clients."""
    dice = Random(number)
    log = ListLog(dice)
    _stand_in(log, monkeypatch)
    # Every other trial is one of overflows and long replays: four events are too many to wait, two
    # make a piece.
    monkeypatch.setattr("chatapp.realtime.subscriber.QUEUE_BYTES", 100 if number % 2 else 10**6)
    monkeypatch.setattr(streams, "PIECE", 30 if number % 2 else 10**6)
    monkeypatch.setattr("chatapp.realtime.follower.BATCH", dice.randint(1, 6))
    monkeypatch.setattr("chatapp.realtime.follower.PACE", 0)
    hub = Hub(per_owner=9, most=9, observe=lambda *_, **__: None)
    log.here = hub.owners()
    follower = Follower(lambda: 0, partial(log.after, hub.hears), hub.deliver, lambda _: None)
    clients = [Client(f"u{i}", dice.randint(0, 3), dice) for i in range(5)]
    for _ in range(3):
        log.append("said")
    follower.start()
    greenlets: list[gevent.Greenlet[..., None]] = [
        # In one trial of four somebody is shut out: it divides what else would come together.
        gevent.spawn(_write, log, follower, dice, clients, number % (4 * EVENTS))
    ]
    for client in clients:
        greenlets.append(gevent.spawn(_late, dice, client, hub, log))  # noqa: PERF401 (in turn)
    greenlets[0].join()
    _settle([client for client in clients if client.left_at is None], len(log.rows))
    gevent.killall(greenlets)
    follower.stop()
    # Of a client that failed all is lost, whatever protects it.
    assert [each.exception for each in greenlets] == [None] * len(greenlets)
    found = [client.faults(log) for client in clients]
    return Faults(*map(sum, zip(*found, strict=True)))


def total(numbers: range) -> tuple[Faults, list[int]]:
    """Run many trials; return their faults together, and the numbers of the faulty ones."""
    sums, faulty = Faults(), []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for number in numbers:
            faults = trial(number, monkeypatch)
            if any(faults):
                faulty.append(number)
            sums = Faults(*map(sum, zip(sums, faults, strict=True)))
    return sums, faulty


def shows(kind: str) -> bool:
    """Run trials until one has a fault of this kind; say whether there was one."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return any(getattr(trial(number, monkeypatch), kind) for number in range(2000))


def _stand_in(log: ListLog, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = SimpleNamespace(entries=entries, size_of=len, ready=events.ready, reset=events.reset)
    monkeypatch.setattr(streams, "log", log)
    monkeypatch.setattr(streams, "replay", log)
    monkeypatch.setattr(streams, "access", log)
    monkeypatch.setattr(streams, "events", shown)
    monkeypatch.setattr(streams, "current_metrics", MagicMock())


def _write(
    log: ListLog, follower: Follower, dice: Random, clients: list[Client], shut_at: int
) -> None:
    leaver, shut_out, _, newcomer, returner = clients
    goes_at, comes_at = dice.randint(3, EVENTS + 3), dice.randrange(EVENTS)
    away_at = dice.randrange(EVENTS - 1)
    back_at, lost_at = dice.randrange(away_at + 1, EVENTS), 0
    for number in range(EVENTS):
        if number == comes_at:
            newcomer.joined_at = log.append("conversation:joined", newcomer.owner)
        if number == goes_at:
            leaver.left_at = log.append("left", leaver.owner)
        if number == shut_at:
            shut_out.left_at = log.append(SHUT_OUT, shut_out.owner, channel="")
        if number == away_at:
            lost_at = log.append("left", returner.owner)
        if number == back_at:
            returner.note_leaks(log, lost_at)
            returner.joined_at = log.append("conversation:joined", returner.owner)
        if dice.random() < 0.3:
            log.append("said", channel=OTHER)
        log.append("said")
        if dice.random() < 0.7:
            follower.ring()
        log.yields()
    follower.ring()


def _late(dice: Random, client: Client, hub: Hub, log: ListLog) -> None:
    for _ in range(dice.randrange(12)):
        gevent.sleep(0)
    client.serve(hub, log)


def _settle(clients: list[Client], head: int) -> None:
    fence = b"id: e-%d\ndata: {}\n\n" % head
    for _ in range(TURNS):
        if all(fence in client.socket.taken for client in clients):
            return
        gevent.sleep(0)
