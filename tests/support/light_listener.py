"""A listener that keeps positions instead of messages: hundreds of them, for hours.

It reads and checks the wire as ``Listener`` does. What it was brought is a list of eight bytes an
event, which is compared with the database as strictly: complete, in order, nothing twice.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.support import raw_http as http
from tests.support.listener import Heard, Listener
from tests.support.oracle import Verdict
from tests.support.sender import Sender
from tests.support.team import Person, reference


class LightListener(Listener):
    """One client of ``person`` in one conversation; ``shown`` is the newest message alone."""

    def __init__(self, port: int, person: Person, conversation: str) -> None:
        super().__init__(port, person, conversation)
        #: The position at which its page was loaded, and those of all messages brought since.
        self.since = 0
        self.positions = array("Q")

    def _load(self) -> None:
        conversation = self.conversations[0]
        path = f"/api/messages?{reference(conversation)}={conversation}&limit=1"
        answer = http.call(self.port, "GET", path, headers=self._headers)
        if answer.status != 200:
            raise ConnectionAbortedError(answer.status)
        self.cursor = answer.headers["chat-cursor"]
        self.since = position_in(self.cursor)
        self.positions = array("Q")

    def _apply(self, event: Heard) -> None:
        super()._apply(event)
        if event.name == "message":
            self.positions.append(position_in(event.id))
            self.shown = {event.data["id"]: ""}


def position_in(cursor: str) -> int:
    """Return the position that a cursor or an event's id names."""
    return int(cursor.partition("-")[2])


def judge_light(
    database: Path, senders: Sequence[Sender], listeners: Sequence[LightListener]
) -> Verdict:
    """Compare what one conversation's clients were brought with what the database holds."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        query = "SELECT id, position FROM messages WHERE conversation_id = ? ORDER BY position"
        rows = dict(connection.execute(query, (senders[0].conversation,)).fetchall())
    acknowledged = [id_ for sender in senders for id_ in sender.acknowledged.values()]
    lost = sum(id_ not in rows for id_ in acknowledged)
    doubled = len(rows) - len(set(acknowledged))
    out_of_order = torn = invented = 0
    for listener in listeners:
        due = [position for position in rows.values() if position > listener.since]
        heard = listener.positions
        lost += len(set(due).difference(heard))
        invented += len(set(heard).difference(due))
        doubled += len(heard) - len(set(heard))
        out_of_order += sorted(heard) != list(heard)
        out_of_order += listener.faults.count("out of order")
        torn += listener.faults.count("torn")
    reloaded = sum(listener.reloads for listener in listeners)
    return Verdict(len(acknowledged), lost, doubled, out_of_order, torn, invented, reloaded)
