"""Which owners have a stream open, in this process or in another one.

Once a second each process compares the hub's owners with those that it knew, and tells its own
streams who came and who went, all in one signal: the cost is of changes, never of streams. Whoever
has left stays for GRACE, so that a reload or a restarted server does not flicker.

Processes claim their owners to each other: what changed at once, everything every REFRESH. A claim
that is not renewed expires, and so a process that was killed takes its owners with it. What got
lost is made up for by the next refresh.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import TypeVar

import gevent

from chatapp.realtime.background import Background

#: Seconds between two looks, so from one signal to the next at the least.
BEAT = 1.0
#: Seconds that somebody without a stream stays: more than a reload, a reconnect (``hub.RETRY``) or
#: the restart of a server takes.
GRACE = 10.0
#: Seconds between two lists of everybody here, for the other processes; and that one of theirs is
#: good for: two may get lost.
REFRESH = 20.0
EXPIRY = 2.5 * REFRESH
#: Owners that one signal names. When more came and went at once it names none, and no other
#: follows for HUSH seconds: 10,000 who come back would be told 10,000 names each.
MOST_NAMED = 100
HUSH = 10.0
#: Owners in a message to the other processes: ids have up to 40 bytes, it has ``MOST_BYTES``.
MOST_CLAIMED = 90

#: Told who came and who went; where both are empty: many did.
Tell = Callable[[Collection[str], Collection[str]], None]
#: Gives the other processes a message of the one that is named.
Send = Callable[[str, bytes], None]

Key = TypeVar("Key")

_HERE, _GONE, _WHO = b"+", b"-", b"?"


class Presence(Background):
    """What one process knows of who is there; ``owners`` are those with a stream in it."""

    def __init__(self, owners: Callable[[], AbstractSet[str]], tell: Tell) -> None:
        self._owners = owners
        self._tell = tell
        #: Where other processes are; None where there are none.
        self.send: Send | None = None
        self._me = secrets.token_hex(6)
        self._here: set[str] = set()
        # By process and owner until when; the one that expires first comes first.
        self._claims: dict[tuple[str, str], float] = {}
        #: In how many processes each owner has streams.
        self._places: dict[str, int] = {}
        # Who has no stream any more, and until when that is not believed; in that order, too.
        self._leaving: dict[str, float] = {}
        self._came: set[str] = set()
        self._went: set[str] = set()
        self._quiet_until = 0.0
        self._refresh_at = 0.0

    def is_online(self, owner: str) -> bool:
        """Whether ``owner`` has a stream somewhere, or had one a moment ago."""
        return owner in self._places or owner in self._leaving

    def online(self) -> list[str]:
        """Return everybody who is."""
        return sorted(self._places.keys() | self._leaving.keys())

    def drop(self, owner: str) -> None:
        """Take ``owner`` off at once: one who is shut out has no grace."""
        for claim in [claim for claim in self._claims if claim[1] == owner]:
            del self._claims[claim]
        if owner in self._here:
            self._here.discard(owner)
            self._tell_processes(set(), {owner}, time.monotonic())
        if self.is_online(owner):
            self._places.pop(owner, None)
            self._leaving.pop(owner, None)
            _turn(owner, self._went, self._came)

    def heard(self, process: str, message: bytes) -> None:
        """Take in what another process says of its owners."""
        kind, owners = message[:1], message[1:].decode().split()
        if kind == _WHO:
            self._refresh_at = 0.0
        elif kind == _HERE:
            for owner in owners:
                self._claim((process, owner))
        elif kind == _GONE:
            for owner in owners:
                self._unclaim((process, owner))

    def ask(self) -> None:
        """Let the other processes say whom they have: this one has just begun to listen."""
        if self.send:
            self.send(self._me, _WHO)

    def beat(self) -> None:
        """Look who came and went since the last beat, and tell of it."""
        now = time.monotonic()
        owners = self._owners()
        came, went = owners - self._here, self._here - owners
        self._here |= came
        self._here -= went
        for owner in came:
            self._enter(owner)
        for owner in went:
            self._leave(owner)
        self._expire(now)
        self._tell_processes(came, went, now)
        # Last, as it lets other greenlets run.
        self._tell_streams(now)

    def run(self) -> None:
        """Beat."""
        while True:
            gevent.sleep(BEAT)
            self.beat()

    def _claim(self, claim: tuple[str, str]) -> None:
        if self._claims.pop(claim, None) is None:
            self._enter(claim[1])
        self._claims[claim] = time.monotonic() + EXPIRY

    def _unclaim(self, claim: tuple[str, str]) -> None:
        if self._claims.pop(claim, None) is not None:
            self._leave(claim[1])

    def _enter(self, owner: str) -> None:
        if not self.is_online(owner):
            _turn(owner, self._came, self._went)
        self._leaving.pop(owner, None)
        self._places[owner] = self._places.get(owner, 0) + 1

    def _leave(self, owner: str) -> None:
        self._places[owner] -= 1
        if not self._places[owner]:
            del self._places[owner]
            self._leaving[owner] = time.monotonic() + GRACE

    def _expire(self, now: float) -> None:
        for claim in _due(self._claims, now):
            self._unclaim(claim)
        for owner in _due(self._leaving, now):
            del self._leaving[owner]
            _turn(owner, self._went, self._came)

    def _tell_streams(self, now: float) -> None:
        changes = len(self._came) + len(self._went)
        if not changes or now < self._quiet_until:
            return
        came, went = sorted(self._came), sorted(self._went)
        self._came, self._went = set(), set()
        if changes > MOST_NAMED:
            self._quiet_until = now + HUSH
            came, went = [], []
        self._tell(came, went)

    def _tell_processes(self, came: AbstractSet[str], went: AbstractSet[str], now: float) -> None:
        if self.send is None:
            return
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH
            came = self._here
        for kind, owners in ((_HERE, came), (_GONE, went)):
            for part in _parts(sorted(owners)):
                self.send(self._me, kind + " ".join(part).encode())


def _turn(owner: str, into: set[str], out_of: set[str]) -> None:
    """Note a change; one that undoes a change which nobody was told of is none."""
    if owner in out_of:
        out_of.discard(owner)
    else:
        into.add(owner)


def _due(table: dict[Key, float], now: float) -> list[Key]:
    """Return the first of a table in the order of its times, as far as their time has come."""
    return [key for key, _ in takewhile(lambda item: item[1] <= now, table.items())]


def _parts(owners: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(owners), MOST_CLAIMED):
        yield owners[begin : begin + MOST_CLAIMED]
