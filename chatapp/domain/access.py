"""Who may read what. Every path to a conversation's content goes through here.

Membership is the only key: pages, search, streams and replays all ask these functions, so
what is closed on one path is closed on all of them.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, select

from chatapp.domain.errors import NotFound
from chatapp.domain.identity import Identity
from chatapp.extensions import db
from chatapp.models import Conversation, Membership


def conversations_of(user_id: str) -> Select[Conversation, Membership]:
    """Return the query of the conversations that ``user_id`` may read, found by membership."""
    return (
        select(Conversation, Membership)
        .join(Membership, Membership.conversation_id == Conversation.id)
        .where(Membership.user_id == user_id)
    )


def membership_for(
    me: Identity, conversation_id: str, *, for_update: bool = False
) -> tuple[Conversation, Membership]:
    """Return a conversation that ``me`` may read, with the membership that says so.

    ``for_update`` locks the membership until the transaction ends (on PostgreSQL; SQLite has one
    writer anyway): neither a removal nor the same person's other post can come between.

    Raises:
        NotFound: there is none, or ``me`` is not in it; the two look the same.
    """
    query = conversations_of(me.user_id).where(Conversation.id == conversation_id)
    if for_update:
        query = query.with_for_update(of=Membership)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def conversation_for(me: Identity, conversation_id: str) -> Conversation:
    """Return a conversation that ``me`` may read.

    Raises:
        NotFound: there is none, or ``me`` is not in it.
    """
    return membership_for(me, conversation_id)[0]


def readable_channels(user_id: str) -> list[str]:
    """Return the channels of every conversation that ``user_id`` may read."""
    query = (
        select(Conversation.kind, Conversation.id)
        .join(Membership, Membership.conversation_id == Conversation.id)
        .where(Membership.user_id == user_id)
    )
    return [f"{kind}:{id_}" for kind, id_ in db.session.execute(query)]


def check_channels(user_id: str, channels: Collection[str]) -> None:
    """Check that ``user_id`` may read each of ``channels``.

    Raises:
        NotFound: one of them does not exist or is closed to the user; it is not said which.
    """
    if not set(channels) <= set(readable_channels(user_id)):
        raise NotFound
