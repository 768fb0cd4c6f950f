"""Posting to PostgreSQL: posts that arrive together share one statement, one commit and one sync.

Whoever appends to the log holds the counter row until the commit is on disk, so the whole cluster
commits one transaction after another, and a commit apiece would be a sync apiece. Here all posts
that a process has waiting are one statement: it checks, locks, takes as many positions as it has
posts, inserts, and commits by itself. The counter row is held for no round trip at all.

It takes what is plain. What is not - no membership, an archived group, a ``clientId`` seen before,
a row that somebody else has locked - it leaves out, and the verb goes the ordinary way, which knows
what to answer. So the rules stay in one place (chatapp.domain.messages), and a post that must
wait, or fail, does so alone: a batch waits for no lock but the counter's, and takes that last.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import gevent
import orjson
from gevent.event import AsyncResult
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chatapp.models import MessageRow
from chatapp.models.engine import POOL_TIMEOUT, reading

#: Posts in one statement: more would make the first of them wait longer than a commit takes.
MOST = 100

# Locks: against the conversation being archived, the member removed, the author deleted. Taken in
# the order in which other verbs take them, or not at all; the author's is the one that the foreign
# key would wait for, with the counter row held.
#: Post what `posts` (a JSON array) holds and may be posted; return the ids and positions of that.
POST = """
WITH asked AS (
    SELECT * FROM ROWS FROM (
        json_to_recordset(%(posts)s::json) AS (
            id text, conversation_id text, author_id text, content text, html text,
            html_version integer, client_id text, created_at timestamptz
        )
    ) WITH ORDINALITY AS asked (
        id, conversation_id, author_id, content, html, html_version, client_id, created_at, number
    )
), granted AS (
    SELECT asked.*, conversations.kind || ':' || conversations.id AS channel
    FROM asked
    JOIN conversations ON conversations.id = asked.conversation_id
    JOIN memberships ON memberships.conversation_id = asked.conversation_id
        AND memberships.user_id = asked.author_id
    JOIN users ON users.id = asked.author_id
    WHERE conversations.archived_at IS NULL AND NOT EXISTS (
        SELECT FROM messages AS earlier
        WHERE earlier.author_id = asked.author_id AND earlier.client_id = asked.client_id
    )
    FOR SHARE OF conversations SKIP LOCKED FOR KEY SHARE OF memberships, users SKIP LOCKED
), head AS (
    UPDATE log_head SET position = log_head.position + batch.size
    FROM (SELECT count(*) AS size FROM granted) AS batch
    WHERE batch.size > 0
    RETURNING log_head.position - batch.size AS position
), placed AS (
    SELECT granted.*, head.position + row_number() OVER (ORDER BY number) AS position
    FROM granted, head
), logged AS (
    INSERT INTO events (position, channel, type, subject_id, user_id, created_at)
    SELECT position, channel, 'message:created', id, author_id, created_at FROM placed
)
INSERT INTO messages (
    id, conversation_id, author_id, position, content, html, html_version, client_id, created_at
)
SELECT
    id, conversation_id, author_id, position, content, html, html_version, client_id, created_at
FROM placed
RETURNING id, position
"""

#: What PostgreSQL says (SQLSTATE) of values and of keys that it will not take, and of deadlocks.
_BAD_VALUE = ("22", "23")
_DEADLOCK = "40P01"

#: Tells delivery up to where the log has grown.
Bell = Callable[[int], None]


class Ticket:
    """One post that waits for its position: a number, or None where the batch has left it out."""

    def __init__(self, message: MessageRow, bell: Bell | None) -> None:
        self.id = message.id
        self.send = (message.author_id, message.client_id or message.id)
        # Dumped here: what cannot be is its author's failure, and not the batch's.
        self.json = orjson.dumps(message._asdict())
        self.bell = bell
        self.position: AsyncResult[int | None] = AsyncResult()


class Lane:
    """The posts of one process on their way to one database, a batch at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)  # a statement that commits by itself
        self._waiting: list[Ticket] = []
        self._runs = False

    def post(self, message: MessageRow, bell: Bell | None) -> int | None:
        """Return the position of ``message`` once it is on disk, None where it was left out."""
        ticket = Ticket(message, bell)
        self._waiting.append(ticket)
        if not self._runs:
            # At the end of this turn of the event loop: who comes in the same turn is in, too.
            self._runs = True
            gevent.spawn(self._run)
        if not ticket.position.wait(POOL_TIMEOUT) and ticket in self._waiting:
            self._waiting.remove(ticket)
            raise PoolTimeout("The posts before this one have been waiting for the database.")
        return ticket.position.get()

    def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                self._settle(batch)
        finally:
            self._runs = False

    def _settle(self, batch: list[Ticket]) -> None:
        """Post a batch; each hears of its position only once the commit is on disk."""
        try:
            positions = self._commit(batch)
        except BaseException as error:  # noqa: BLE001 (raised anew where each waits for it)
            for ticket in batch:
                if _may_be_of_one(error):
                    ticket.position.set(None)
                else:
                    ticket.position.set_exception(error)
            return
        for bell in {ticket.bell for ticket in batch if ticket.bell and positions}:
            bell(max(positions.values()))
        for ticket in batch:
            ticket.position.set(positions.get(ticket.id))

    def _commit(self, batch: list[Ticket]) -> dict[str, int]:
        # Of a send that came twice the second goes the ordinary way, where it finds the first.
        first = {ticket.send: ticket for ticket in reversed(batch)}
        posts = b"[%b]" % b",".join(one.json for one in batch if first[one.send] is one)
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(POST, {"posts": posts.decode()}).all()
        return {row.id: row.position for row in rows}


def _may_be_of_one(error: BaseException) -> bool:
    """Whether the batch was undone for something that one post alone may have caused.

    Then each tries, and finds out, by itself. Not where it is unknown if the commit came through:
    a second try would be a second message.
    """
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return sqlstate.startswith(_BAD_VALUE) or sqlstate == _DEADLOCK


_lanes: WeakKeyDictionary[Engine, Lane] = WeakKeyDictionary()


def lane(engine: Engine) -> Lane:
    """Return the lane to this database."""
    found = _lanes.get(engine)
    if found is None:
        found = _lanes[engine] = Lane(engine)
    return found
