"""How far each member has read."""

from __future__ import annotations

from sqlalchemy import ScalarSelect, SQLColumnExpression, bindparam, func, select, true, update

from chatapp.domain import access, history, log
from chatapp.domain.access import Standing
from chatapp.domain.identity import Identity
from chatapp.domain.statements import execute
from chatapp.domain.transaction import transaction
from chatapp.models import Base, Conversation, Membership, Message

#: Nobody reads a larger number, and counting further costs a look at every row.
MOST_UNREAD = 1000

_memberships = Base.metadata.tables[Membership.__tablename__]
_move = (
    update(_memberships)
    .where(
        _memberships.c.conversation_id == bindparam("conversation"),
        _memberships.c.user_id == bindparam("user"),
    )
    .values(read_position=bindparam("position"))
)


def mark_read(me: Identity, conversation_id: str, message_id: str) -> None:
    """Move the reader's cursor to a message; never back. Only the reader's own tabs are told.

    Raises:
        NotFound: ``me`` is not in such a conversation, or the message is not of it.
    """
    with transaction():
        standing = access.standing_in(me, conversation_id, for_update=True)
        position = history.position_of(conversation_id, message_id)
        if position > standing.read_position:
            _advance(me, standing, message_id, position)


def _advance(me: Identity, standing: Standing, message_id: str, position: int) -> None:
    execute(
        _move,
        {"conversation": standing.conversation_id, "user": me.user_id, "position": position},
    )
    log.append(
        "read",
        standing.channel,
        subject_id=message_id,
        user_id=me.user_id,
        recipient_id=me.user_id,
    )


def unread_count(
    conversation_id: SQLColumnExpression[str],
    user_id: SQLColumnExpression[str],
    read_position: SQLColumnExpression[int],
    up_to: int | None = None,
) -> ScalarSelect[int]:
    """Return the SQL for how many messages of others lie behind a cursor, at most 1,000.

    ``up_to`` leaves out what was posted after that position.
    """
    unread = (
        select(Message.position)
        .where(
            Message.conversation_id == conversation_id,
            Message.position > read_position,
            Message.author_id != user_id,
            Message.deleted_at.is_(None),
            true() if up_to is None else Message.position <= up_to,
        )
        .limit(MOST_UNREAD)
        .correlate(Membership, Conversation)
        .subquery()
    )
    return select(func.count()).select_from(unread).scalar_subquery()
