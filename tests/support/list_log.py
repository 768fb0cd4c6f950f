"""A log in memory whose every step lets other greenlets run, as PostgreSQL's driver does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container
from dataclasses import replace
from random import Random

import gevent

from chatapp.api import events
from chatapp.domain.errors import NotFound
from chatapp.domain.log import Head, Logged
from chatapp.realtime import frames
from chatapp.realtime.cursor import Cursor
from chatapp.realtime.entry import Disconnect, Entry, Grant, Revoke

CHANNEL = "group:g"
#: Who is in no conversation at first.
NEWCOMER = "u3"
#: Who has named both channels: loses the one and is let into it again, and is in the other always.
RETURNER, OTHER = "u4", "group:h"
#: Whose one session is ended, and by which event.
BANISHED, SHUT_OUT = "u1", "session:revoked"


class ListLog:
    """In the place of ``log``, ``replay`` and ``access`` of ``chatapp.domain``."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.rows: list[Logged] = []
        #: Who has streams.
        self.here: Container[str] = ()
        #: What each was told to be readable when they came.
        self.told: dict[str, list[str]] = {}

    def yields(self) -> None:
        """Let the others run, or not."""
        for _ in range(self._dice.choice((0, 0, 1, 2))):
            gevent.sleep(0)

    def answers_late(self) -> None:
        """Let the others do a lot, or not, while an answer is on its way."""
        for _ in range(self._dice.choice((0, 1, 4, 12))):
            gevent.sleep(0)

    def append(self, type_: str, user_id: str | None = None, channel: str = CHANNEL) -> int:
        """Commit an event, and return its position."""
        position = len(self.rows) + 1
        recipient = user_id if type_ == "conversation:joined" else None
        self.rows.append(Logged(position, channel, type_, str(position), user_id, recipient))
        return position

    def head(self) -> Head:
        self.yields()
        found = Head("e", len(self.rows), 0)
        self.yields()  # its answer is on the way
        return found

    def after(self, hears: Callable[[str], bool], position: int, limit: int) -> list[Entry]:
        self.yields()
        rows = self.rows[position : position + limit]
        self.yields()
        heard = events.heard_among(rows, hears, self.here)
        self.yields()
        found = zip(rows, entries(rows, "e"), strict=True)
        return [entry if row in heard else replace(entry, frame=None) for row, entry in found]

    def missed(
        self, user: str, _credential: str, after: int, last: int, named: Collection[str], limit: int
    ) -> list[Logged]:
        self.yields()
        channels = set(self.may_read(user)) & set(named or (CHANNEL, OTHER))
        if not self.may_replay(user):
            channels = set()
        found = [
            row
            for row in self.rows[after:last]
            if row.channel in channels and row.recipient_id in (None, user)
        ]
        self.yields()
        return found[:limit]

    def readable_channels(self, user: str) -> list[str]:
        self.yields()
        self.told[user] = self._channels_of(user)
        self.answers_late()
        return self.told[user]

    def check_channels(self, user: str, named: Collection[str]) -> None:
        self.yields()
        readable = self.told[user] = self._channels_of(user)
        self.answers_late()
        if not set(named) <= set(readable):
            raise NotFound

    def may_read(self, user: str) -> list[str]:
        """Return what a replay obeys."""
        return self._channels_of(user)

    def may_replay(self, user: str) -> bool:
        """Say what else it obeys."""
        return not self._is_shut_out(user)

    def is_signed_in(self, user: str) -> bool:
        """Say what is looked up of who calls."""
        if user != BANISHED:
            return True  # at once: this fills the time in which other things happen
        self.yields()
        found = not self._is_shut_out(user)
        self.answers_late()
        return found

    def _is_shut_out(self, user: str) -> bool:
        return any(row.type == SHUT_OUT and row.user_id == user for row in self.rows)

    def _channels_of(self, user: str) -> list[str]:
        changes = [row.type for row in self.rows if row.user_id == user]
        is_in = changes[-1] != "left" if changes else user != NEWCOMER
        return [CHANNEL] * is_in + [OTHER] * (user == RETURNER)


def entries(rows: list[Logged], epoch: str) -> list[Entry]:
    """In the place of ``chatapp.api.events``: what to deliver for rows of the log."""
    return [
        Entry(
            row.position,
            row.channel,
            frames.event(b"{}", event_id=str(Cursor(epoch, row.position))),
            row.recipient_id,
            _EFFECTS[row.type](row.user_id or "") if row.type in _EFFECTS else None,
        )
        for row in rows
    ]


_EFFECTS: dict[str, type[Grant | Revoke | Disconnect]] = {
    "left": Revoke,
    "conversation:joined": Grant,
    SHUT_OUT: Disconnect,
}
