"""From rows of the log to what is delivered: each event's JSON, framed, and its effect.

What is shown is read here, at delivery: a message that was deleted since is not in a replay, and
an edited one comes with its new text. docs/EVENTS.md documents every type.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Container, Sequence
from typing import Any

import gevent
import orjson
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chatapp.api import representations as show
from chatapp.domain import conversations, log
from chatapp.domain.errors import NotFound
from chatapp.domain.log import Head, Logged
from chatapp.domain.statements import execute
from chatapp.extensions import db
from chatapp.metrics import current_metrics
from chatapp.models import MESSAGE_ROWS, Conversation, Membership, MessageRow, User
from chatapp.models.message import messages as message_table
from chatapp.realtime import frames
from chatapp.realtime.cursor import Cursor
from chatapp.realtime.entry import Disconnect, Effect, Entry, Grant, Revoke

logger = logging.getLogger(__name__)

_of_ids = MESSAGE_ROWS.where(message_table.c.id.in_(bindparam("ids", expanding=True)))
_of_positions = MESSAGE_ROWS.where(
    message_table.c.id.in_(
        select(log.EVENTS.c.subject_id).where(
            log.EVENTS.c.position.between(bindparam("first"), bindparam("last"))
        )
    )
)
_size_of_ids = select(
    func.sum(func.length(message_table.c.content) + func.length(message_table.c.html))
).where(message_table.c.id.in_(bindparam("ids", expanding=True)))

Messages = dict[str, MessageRow]


class Reading:
    """What a reading of the log has read beside it, once for all of its rows."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages
        self._people: dict[str, show.Json] = {}

    def people_in(self, conversation_id: str) -> show.Json:
        """Return who is in a conversation, encoded: a new group tells it to each of them."""
        if conversation_id not in self._people:
            people = conversations.people_in(conversation_id)
            self._people[conversation_id] = {
                "memberIds": [person.id for person in people],
                "members": orjson.Fragment(orjson.dumps([show.user(person) for person in people])),
            }
        return self._people[conversation_id]


Presenter = Callable[[Logged, Reading], show.Json | None]


def after(
    position: int, limit: int, epoch: str, hears: Callable[[str], bool], here: Container[str]
) -> list[Entry]:
    """Return up to ``limit`` entries right behind ``position``, for everybody.

    ``hears`` says whether a channel has subscribers here, ``here`` who has streams; what concerns
    nobody of them is not encoded.
    """
    rows = log.after(position, limit)
    heard = heard_among(rows, hears, here)
    of_messages = [row for row in heard if row.type in _OF_MESSAGES]
    messages: Messages = {}
    if of_messages:
        between = {"first": of_messages[0].position, "last": of_messages[-1].position}
        messages = _by_id(execute(_of_positions, between))
    reading, positions = Reading(messages), {row.position for row in heard}
    return [
        _entry(row, reading, epoch) if row.position in positions else _unheard(row) for row in rows
    ]


def heard_among(
    rows: Sequence[Logged], hears: Callable[[str], bool], here: Container[str]
) -> list[Logged]:
    """Return those of ``rows`` that somebody here hears, or will by one of them.

    To be asked once the rows were read: whoever subscribes later than that replays them.
    """
    entered = {
        row.channel for row in rows if row.type == "conversation:joined" and row.user_id in here
    }
    return [
        row
        for row in rows
        if (
            row.recipient_id in here
            if row.recipient_id is not None
            else row.channel in entered or hears(row.channel)
        )
    ]


def entries(rows: Sequence[Logged], epoch: str) -> list[Entry]:
    """Return what to deliver for these rows; their messages are read in one query."""
    ids = {row.subject_id for row in rows if row.type in _OF_MESSAGES}
    reading = Reading(_by_id(execute(_of_ids, {"ids": list(ids)})) if ids else {})
    return [_entry(row, reading, epoch) for row in rows]


def size_of(rows: Sequence[Logged]) -> int:
    """Return about how many bytes the texts of these rows have; nothing is encoded for it."""
    ids = {row.subject_id for row in rows if row.type in _OF_MESSAGES}
    return int(execute(_size_of_ids, {"ids": list(ids)})[0][0] or 0)


def _by_id(rows: Sequence[Any]) -> Messages:
    return {message.id: message for message in map(MessageRow._make, rows)}


def _entry(row: Logged, reading: Reading, epoch: str) -> Entry:
    if row.type == "conversation:joined":
        gevent.sleep(0)  # dear, and a new group has one for each of its people
    return Entry(
        row.position, row.channel, _frame(row, reading, epoch), row.recipient_id, _effect(row)
    )


def _unheard(row: Logged) -> Entry:
    return Entry(row.position, row.channel, None, row.recipient_id, _effect(row))


def _frame(row: Logged, reading: Reading, epoch: str) -> bytes | None:
    cursor = Cursor(epoch, row.position)
    try:
        shown = _shown(row, reading)
    except PoolTimeout:
        raise
    except Exception as error:
        if isinstance(error, (OperationalError, InterfaceError)):
            # Is it the event, or is the database away? Then this fails, too, and whoever reads the
            # log comes back to this event later.
            db.session.remove()
            log.head()
        # One event that cannot be shown must not hold up all that follow: its readers are told
        # that they missed something.
        logger.exception("event %s could not be presented", cursor)
        current_metrics().resets.labels("unreadable").inc()
        return reset("unreadable", cursor)
    if shown is None:
        return None
    name = None if row.type == "message:created" else row.type
    return frames.event(orjson.dumps({"type": row.type, **shown}), name=name, event_id=str(cursor))


def _shown(row: Logged, reading: Reading) -> show.Json | None:
    present = _PRESENTERS.get(row.type)
    if present is None:
        return None
    try:
        return present(row, reading)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        # Its connection was cut, which says nothing of the event: another one may show it.
        db.session.remove()
        return present(row, reading)


def reset(reason: str, cursor: Cursor) -> bytes:
    """Return the event that says: load the state afresh, and go on from ``cursor``."""
    data = orjson.dumps({"reason": reason, "cursor": str(cursor)})
    return frames.event(data, name="reset", event_id=str(cursor))


def ready(head: Head, retry: int) -> bytes:
    """Return the event that says: the replay is complete, what follows is live."""
    cursor = str(Cursor(head.epoch, head.position))
    data = orjson.dumps({"cursor": cursor})
    return frames.event(data, name="ready", event_id=cursor, retry=retry)


def typing(user_id: str, conversation_id: str) -> bytes:
    """Return the signal that somebody is typing; it has no place in the log, so no id."""
    shown = {"type": "typing", "userId": user_id, **show.reference(conversation_id)}
    return frames.event(orjson.dumps(shown), name="typing")


def presence(online: Collection[str], offline: Collection[str]) -> bytes:
    """Return the signal that people came or went; with nobody in it, that many did."""
    shown = {"type": "presence", "online": list(online), "offline": list(offline)}
    return frames.event(orjson.dumps(shown), name="presence")


def _effect(row: Logged) -> Effect | None:
    user_id = row.user_id or ""
    match row.type:
        case "conversation:joined":
            return Grant(user_id)
        case "conversation:left":
            return Revoke(user_id)
        case "session:revoked":
            return Disconnect(user_id, row.subject_id)
        case "user:deactivated":
            return Disconnect(row.subject_id or user_id)
    return None


def _message(row: Logged, reading: Reading) -> show.Json | None:
    message = reading.messages.get(row.subject_id or "")
    return show.message(message) if message and message.deleted_at is None else None


def _message_deleted(row: Logged, reading: Reading) -> show.Json | None:
    message = reading.messages.get(row.subject_id or "")
    return {"id": message.id, **show.reference(message.conversation_id)} if message else None


def _read(row: Logged, reading: Reading) -> show.Json | None:
    message = reading.messages.get(row.subject_id or "")
    if message is None:
        return None
    return {
        "userId": row.user_id,
        **show.reference(message.conversation_id),
        "messageId": row.subject_id,
        "unreadCount": _unread(message.conversation_id, row),
    }


def _unread(conversation_id: str, row: Logged) -> int:
    # As of the event: later messages come as events of their own, and would be counted twice.
    query = select(conversations.unread_of_membership(up_to=row.position)).where(
        Membership.conversation_id == conversation_id, Membership.user_id == row.user_id
    )
    return db.session.scalar(query) or 0


def _joined(row: Logged, reading: Reading) -> show.Json | None:
    try:
        view = conversations.view_without_people(row.user_id or "", row.subject_id or "")
    except NotFound:
        return None
    view.unread_count = _unread(view.conversation.id, row)
    people = reading.people_in(view.conversation.id)
    return {"conversation": {**show.conversation(view), **people}}


def _left(row: Logged, _reading: Reading) -> show.Json:
    return {"conversationId": row.subject_id}


def _conversation_updated(row: Logged, reading: Reading) -> show.Json | None:
    conversation = db.session.get(Conversation, row.subject_id)
    if conversation is None:
        return None
    people = reading.people_in(conversation.id)
    return {"conversation": {**show.conversation_facts(conversation), **people}}


def _member(row: Logged, _reading: Reading) -> show.Json | None:
    person = db.session.get(User, row.user_id)
    return {"conversationId": row.subject_id, "user": show.user(person)} if person else None


def _user_updated(row: Logged, _reading: Reading) -> show.Json | None:
    person = db.session.get(User, row.subject_id)
    return {"user": show.user(person)} if person else None


_OF_MESSAGES = frozenset({"message:created", "message:updated", "message:deleted", "read"})

#: How each type is shown. What is not listed here is shown to nobody.
_PRESENTERS: dict[str, Presenter] = {
    "message:created": _message,
    "message:updated": _message,
    "message:deleted": _message_deleted,
    "read": _read,
    "conversation:joined": _joined,
    "conversation:left": _left,
    "conversation:updated": _conversation_updated,
    "member:joined": _member,
    "member:left": _member,
    "user:updated": _user_updated,
}
