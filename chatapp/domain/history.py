"""Reading back: pages of a conversation, oldest first, by keyset and never by offset."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from chatapp.domain import access
from chatapp.domain.access import Standing
from chatapp.domain.errors import NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.statements import execute
from chatapp.models import MESSAGE_ROWS, MessageRow
from chatapp.models.message import messages

#: How many messages that were read already stand above the first unread one.
CONTEXT = 10

_shown = MESSAGE_ROWS.where(
    messages.c.conversation_id == bindparam("conversation_id"), messages.c.deleted_at.is_(None)
)
_newest = _shown.order_by(messages.c.position.desc()).limit(bindparam("limit"))
_before = _newest.where(messages.c.position < bindparam("position"))
_after = (
    _shown.where(messages.c.position > bindparam("position"))
    .order_by(messages.c.position)
    .limit(bindparam("limit"))
)

_unread = _after.where(messages.c.author_id != bindparam("reader_id"))

_position_of = select(messages.c.position).where(
    messages.c.id == bindparam("id"), messages.c.conversation_id == bindparam("conversation_id")
)


class Page(NamedTuple):
    """Messages of one conversation, oldest first, and whether there are more on either side."""

    messages: list[MessageRow]
    has_older: bool
    has_newer: bool
    #: The first message that the reader has not read, where the page was opened at it.
    first_unread_id: str | None = None


def page(
    me: Identity,
    conversation_id: str,
    *,
    before: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Return the newest page, or the one before or after a message.

    Raises:
        NotFound: ``me`` is not in such a conversation, or the message is not of it.
    """
    access.standing_in(me, conversation_id)
    if after is not None:
        return _page_after(conversation_id, position_of(conversation_id, after), limit)
    if before is not None:
        return _page_before(conversation_id, position_of(conversation_id, before), limit)
    return _page_before(conversation_id, None, limit)


def opening_page(me: Identity, conversation_id: str, limit: int = 50) -> Page:
    """Return the page that a reader starts with: around the first unread message, else the newest.

    Raises:
        NotFound: ``me`` is not in such a conversation.
    """
    standing = access.standing_in(me, conversation_id)
    first = _first_unread(me, standing)
    if first is None:
        return _page_before(conversation_id, None, limit)
    context = _page_before(conversation_id, first.position, CONTEXT)
    rest = _page_after(conversation_id, first.position, limit - CONTEXT - 1)
    return Page(
        [*context.messages, first, *rest.messages], context.has_older, rest.has_newer, first.id
    )


def _first_unread(me: Identity, standing: Standing) -> MessageRow | None:
    rows = execute(
        _unread,
        {
            "conversation_id": standing.conversation_id,
            "position": standing.read_position,
            "reader_id": me.user_id,
            "limit": 1,
        },
    )
    return MessageRow._make(rows[0]) if rows else None


def _page_before(conversation_id: str, position: int | None, limit: int) -> Page:
    query = _newest if position is None else _before
    rows = _fetch(query, conversation_id, limit + 1, position)
    return Page(rows[:limit][::-1], has_older=len(rows) > limit, has_newer=position is not None)


def _page_after(conversation_id: str, position: int, limit: int) -> Page:
    rows = _fetch(_after, conversation_id, limit + 1, position)
    return Page(rows[:limit], has_older=True, has_newer=len(rows) > limit)


def _fetch(query: Any, conversation_id: str, limit: int, position: int | None) -> list[MessageRow]:
    parameters = {"conversation_id": conversation_id, "limit": limit, "position": position}
    if position is None:
        del parameters["position"]
    return [MessageRow._make(row) for row in execute(query, parameters)]


def position_of(conversation_id: str, message_id: str) -> int:
    """Return where a message stands; a deleted one still anchors its neighbours' pages.

    Raises:
        NotFound: it is not of this conversation.
    """
    rows = execute(_position_of, {"id": message_id, "conversation_id": conversation_id})
    if not rows:
        raise NotFound
    return int(rows[0][0])
