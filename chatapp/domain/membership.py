"""Coming into a conversation and going out of it: the rows, and the events that tell of it.

Steps of the verbs in ``direct_messages`` and ``groups``, to be called inside their transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, insert, select

from chatapp.domain import log
from chatapp.domain.errors import Invalid
from chatapp.extensions import db
from chatapp.models import Conversation, Membership, Message, User, now


def check_people(user_ids: Collection[str], field: str = "userIds") -> None:
    """Check that all of these people exist and are active.

    Raises:
        Invalid: one of them is not.
    """
    query = select(func.count()).where(User.id.in_(user_ids), User.deactivated_at.is_(None))
    if db.session.scalar(query) != len(set(user_ids)):
        raise Invalid(field, "One of these people does not exist or has been deactivated.")


def add(conversation: Conversation, user_ids: Sequence[str], *, announce: bool) -> None:
    """Let people in who are not in it yet, with all that was said so far counting as read.

    ``announce`` tells those who are in it already; a new conversation has nobody to tell.
    """
    present = set(member_ids(conversation.id))
    newcomers = [id_ for id_ in dict.fromkeys(user_ids) if id_ not in present]
    # Rows first, log last: see chatapp.domain.revocation.
    for user_id in newcomers:
        _insert(conversation, user_id)
    for user_id in newcomers:
        log.append(
            "conversation:joined",
            conversation.channel,
            subject_id=conversation.id,
            user_id=user_id,
            recipient_id=user_id,
        )
        if announce:
            _tell(conversation, "member:joined", user_id)


def remove(conversation: Conversation, user_id: str) -> None:
    """Put a member out; the others are told, and the member's streams lose the channel."""
    db.session.execute(
        delete(Membership).where(
            Membership.conversation_id == conversation.id, Membership.user_id == user_id
        )
    )
    log.append(
        "conversation:left",
        conversation.channel,
        subject_id=conversation.id,
        user_id=user_id,
        recipient_id=user_id,
    )
    _tell(conversation, "member:left", user_id)


def member_ids(conversation_id: str) -> list[str]:
    """Return who is in a conversation, the longest-standing member first."""
    query = (
        select(Membership.user_id)
        .where(Membership.conversation_id == conversation_id)
        .order_by(Membership.joined_at, Membership.user_id)
    )
    return list(db.session.scalars(query))


def _tell(conversation: Conversation, type_: str, user_id: str) -> None:
    log.append(type_, conversation.channel, subject_id=conversation.id, user_id=user_id)


def _insert(conversation: Conversation, user_id: str) -> None:
    newest = select(func.coalesce(func.max(Message.position), 0)).where(
        Message.conversation_id == conversation.id
    )
    db.session.execute(
        insert(Membership).values(
            conversation_id=conversation.id,
            user_id=user_id,
            read_position=newest.scalar_subquery(),
            joined_at=now(),
        )
    )
