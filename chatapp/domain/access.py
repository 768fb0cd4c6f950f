"""Who may read what. Every path to a conversation's content goes through here.

Membership is the only key: pages, search, streams and replays all ask these functions, so
what is closed on one path is closed on all of them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, bindparam, select

from chatapp.domain.errors import NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.statements import execute
from chatapp.extensions import db
from chatapp.models import Base, Conversation, Membership

_conversations = Base.metadata.tables[Conversation.__tablename__]
_memberships = Base.metadata.tables[Membership.__tablename__]
_mine = (
    select(
        _conversations.c.id,
        _conversations.c.kind,
        _conversations.c.archived_at,
        _memberships.c.read_position,
    )
    .join(_memberships, _memberships.c.conversation_id == _conversations.c.id)
    .where(_memberships.c.user_id == bindparam("user_id"))
)
_standing = _mine.where(_conversations.c.id == bindparam("conversation_id"))
# A post shares the conversation's row with other posts, and waits for whoever changes it. The
# conversation first, in both: who removes somebody holds it, and then wants that membership.
_locked_standing = _standing.with_for_update(read=True, of=_conversations).suffix_with(
    "FOR UPDATE OF memberships", dialect="postgresql"
)
_locked_conversation = _standing.with_for_update(of=[_conversations, _memberships])
#: The channels of every conversation that ``:user_id`` may read.
CHANNELS_OF = _mine.with_only_columns(_conversations.c.kind + ":" + _conversations.c.id)


class Standing(NamedTuple):
    """That somebody is in a conversation, and how things stand there for them."""

    conversation_id: str
    kind: str
    archived_at: datetime | None
    read_position: int

    @property
    def channel(self) -> str:
        """The conversation's name on the stream."""
        return f"{self.kind}:{self.conversation_id}"


def standing_in(me: Identity, conversation_id: str, *, for_update: bool = False) -> Standing:
    """Return how ``me`` stands in a conversation: the check of access that every verb begins with.

    ``for_update`` locks the membership until the transaction ends (on PostgreSQL; SQLite has one
    writer anyway): neither a removal nor the same person's other post can come between.

    Raises:
        NotFound: there is none, or ``me`` is not in it; the two look the same.
    """
    return _found(_locked_standing if for_update else _standing, me, conversation_id)


def conversation_for(
    me: Identity, conversation_id: str, *, for_update: bool = False
) -> Conversation:
    """Return a conversation that ``me`` may read.

    ``for_update`` keeps others from changing it, or who is in it, until the transaction ends.

    Raises:
        NotFound: there is none, or ``me`` is not in it.
    """
    _found(_locked_conversation if for_update else _standing, me, conversation_id)
    return db.session.get_one(Conversation, conversation_id)


def _found(query: Select[str, str, datetime | None, int], me: Identity, id_: str) -> Standing:
    rows = execute(query, {"user_id": me.user_id, "conversation_id": id_})
    if not rows:
        raise NotFound
    return Standing._make(rows[0])


def conversations_of(user_id: str) -> Select[Conversation, Membership]:
    """Return the query of the conversations that ``user_id`` may read, found by membership."""
    return (
        select(Conversation, Membership)
        .join(Membership, Membership.conversation_id == Conversation.id)
        .where(Membership.user_id == user_id)
    )


def readable_channels(user_id: str) -> list[str]:
    """Return the channels of every conversation that ``user_id`` may read."""
    return [channel for (channel,) in execute(CHANNELS_OF, {"user_id": user_id})]


def check_channels(user_id: str, channels: Collection[str]) -> None:
    """Check that ``user_id`` may read each of ``channels``.

    Raises:
        NotFound: one of them does not exist or is closed to the user; it is not said which.
    """
    if not set(channels) <= set(readable_channels(user_id)):
        raise NotFound
