"""Direct messages: a conversation that its people make, of which there is one for each set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from chatapp.domain import membership
from chatapp.domain.errors import Invalid
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Conversation, new_id, now

#: More people than this want a group, which has a name and can be left.
MOST_PEOPLE = 9


class Opened(NamedTuple):
    """What ``open_with`` found or made."""

    conversation: Conversation
    created: bool


def open_with(
    me: Identity, user_ids: Collection[str], before_making: Callable[[], object] | None = None
) -> Opened:
    """Return the direct message of ``me`` and these people, made if it is not there yet.

    ``before_making`` is called first in that case, and may raise.

    Raises:
        Invalid: nobody else was named, too many were, or one does not exist or is deactivated.
    """
    people = sorted({me.user_id, *user_ids})
    if people == [me.user_id]:
        raise Invalid("userIds", "Choose at least one other person.")
    if len(people) > MOST_PEOPLE:
        raise Invalid("userIds", f"At most {MOST_PEOPLE} people; make a group instead.")
    key = hashlib.sha256("\n".join(people).encode()).hexdigest()
    try:
        with transaction():
            existing = _by_key(key)
            if existing:
                return Opened(existing, False)
            if before_making is not None:
                before_making()
            return Opened(_create(key, people), True)
    except IntegrityError:
        # PostgreSQL only: another process made the same one between our look and our insert.
        existing = _by_key(key)
        if existing is None:
            raise
        return Opened(existing, False)


def _by_key(key: str) -> Conversation | None:
    return db.session.scalars(select(Conversation).where(Conversation.dm_key == key)).one_or_none()


def _create(key: str, people: list[str]) -> Conversation:
    membership.check_people(people)
    conversation = Conversation(
        id=new_id("dm"), kind="dm", dm_key=key, topic="", private=True, created_at=now()
    )
    db.session.add(conversation)
    db.session.flush()
    membership.add(conversation, people, announce=False)
    return conversation
