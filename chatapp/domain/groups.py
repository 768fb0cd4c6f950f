"""Groups: made, found, joined, renamed, left, archived."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from chatapp.domain import access, log, membership, people
from chatapp.domain.errors import Conflict, Forbidden, Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Conversation, Membership, new_id, now
from chatapp.text import clean_line

NAME_LENGTH = 80
TOPIC_LENGTH = 250
#: How many people one call may name.
MOST_NAMED = 500
#: How many groups the directory shows at a time.
MOST_LISTED = 100
_OPEN_TO_ALL = (
    Conversation.kind == "group",
    Conversation.private.is_(False),
    Conversation.archived_at.is_(None),
)


class Listed(NamedTuple):
    """A public group in the directory."""

    conversation: Conversation
    member_count: int
    joined: bool


def create(
    me: Identity, name: str, user_ids: Collection[str], *, private: bool, topic: str = ""
) -> Conversation:
    """Make a group with its owner ``me`` and these people in it.

    Raises:
        Invalid: the name or topic cannot be taken, or somebody does not exist.
    """
    name, topic = _clean_name(name), _clean_topic(topic)
    with transaction():
        conversation = Conversation(
            id=new_id("group"),
            kind="group",
            name=name,
            topic=topic,
            private=private,
            owner_id=me.user_id,
            created_at=now(),
        )
        _check_people(user_ids)
        db.session.add(conversation)
        db.session.flush()
        membership.add(conversation, [me.user_id, *user_ids], announce=False)
    return conversation


def change(
    me: Identity,
    group_id: str,
    *,
    name: str | None = None,
    topic: str | None = None,
    archived: bool | None = None,
) -> Conversation:
    """Rename a group, set its topic, archive it or bring it back; None leaves a thing as it is.

    Where that changes nothing, nobody is told.

    Raises:
        NotFound: ``me`` is not in such a group.
        Forbidden: ``me`` neither owns it nor is an administrator.
        Invalid: the name or topic cannot be taken.
    """
    clean = {
        "name": None if name is None else _clean_name(name),
        "topic": None if topic is None else _clean_topic(topic),
    }
    with transaction():
        group = _group_to_manage(me, group_id)
        for attribute, value in clean.items():
            if value is not None:
                setattr(group, attribute, value)
        if archived is not None and archived != (group.archived_at is not None):
            group.archived_at = now() if archived else None
        if db.session.is_modified(group):
            _tell_change(me, group)
    return group


def add_members(me: Identity, group_id: str, user_ids: Collection[str]) -> Conversation:
    """Let people in. Members invite anybody; who is not in a public group adds just themselves.

    Raises:
        NotFound: there is no such group that ``me`` may see.
        Forbidden: ``me`` is not in it and named others.
        Invalid: somebody does not exist.
        Conflict: it is archived.
    """
    with transaction():
        group = _visible_group(me, group_id)
        if me.user_id not in membership.member_ids(group_id) and set(user_ids) != {me.user_id}:
            raise Forbidden("Join the group before you add others.")
        _check_open(group)
        _check_people(user_ids)
        membership.add(group, list(user_ids), announce=True)
        if group.owner_id is None:
            group.owner_id = membership.member_ids(group_id)[0]
            _tell_change(me, group)
    return group


def join(me: Identity, group_id: str) -> Conversation:
    """Join a public group (see :func:`add_members`)."""
    return add_members(me, group_id, [me.user_id])


def remove_member(me: Identity, group_id: str, user_id: str) -> None:
    """Leave a group, or put somebody out of it; the oldest member inherits what an owner leaves.

    Raises:
        NotFound: ``me`` is not in such a group, or ``user_id`` is not.
        Forbidden: it is somebody else, and ``me`` neither owns it nor is an administrator.
    """
    with transaction():
        group = _own_group(me, group_id)
        if user_id != me.user_id:
            _check_manages(me, group)
        if user_id not in membership.member_ids(group_id):
            raise NotFound
        membership.remove(group, user_id)
        if group.owner_id == user_id:
            group.owner_id = next(iter(membership.member_ids(group_id)), None)
            _tell_change(me, group)


def leave(me: Identity, group_id: str) -> None:
    """Leave a group (see :func:`remove_member`)."""
    remove_member(me, group_id, me.user_id)


def browse(me: Identity, query: str = "", limit: int = MOST_LISTED) -> list[Listed]:
    """Return the open public groups whose name has ``query`` in it, by name.

    Compared as people's names are: see :func:`chatapp.domain.people.search`.
    """
    wanted = people.folded(query)
    names = db.session.execute(select(Conversation.id, Conversation.name).where(*_OPEN_TO_ALL))
    found = sorted(
        (name, id_) for id_, full in names if wanted in (name := people.folded(full or ""))
    )
    return _listed(me, [id_ for _, id_ in found[:limit]])


def _listed(me: Identity, ids: list[str]) -> list[Listed]:
    size = (
        select(func.count())
        .where(Membership.conversation_id == Conversation.id)
        .correlate(Conversation)
        .scalar_subquery()
    )
    query = select(Conversation, size, _is_member(me)).where(Conversation.id.in_(ids))
    rows = {row[0].id: Listed._make(row) for row in db.session.execute(query)}
    return [rows[id_] for id_ in ids]


def _is_member(me: Identity) -> ColumnElement[bool]:
    return (
        select(Membership.user_id)
        .where(Membership.conversation_id == Conversation.id, Membership.user_id == me.user_id)
        .correlate(Conversation)
        .exists()
    )


def _visible_group(me: Identity, group_id: str) -> Conversation:
    """Return a group that ``me`` is in or could join."""
    # Locked: whoever joins meets nobody else who adds the same person, or leaves as the owner.
    group = db.session.get(Conversation, group_id, with_for_update=True)
    if group is not None and group.kind == "group" and not group.private:
        return group
    return _own_group(me, group_id)


def _own_group(me: Identity, group_id: str) -> Conversation:
    conversation = access.conversation_for(me, group_id, for_update=True)
    if conversation.kind != "group":
        raise NotFound
    return conversation


def _group_to_manage(me: Identity, group_id: str) -> Conversation:
    group = _own_group(me, group_id)
    _check_manages(me, group)
    return group


def _check_manages(me: Identity, group: Conversation) -> None:
    if me.user_id != group.owner_id and not me.is_admin:
        raise Forbidden("Only the group's owner or an administrator may do this.")


def _check_open(group: Conversation) -> None:
    if group.archived_at is not None:
        raise Conflict("This group is archived: nobody can join it.")


def _check_people(user_ids: Collection[str]) -> None:
    if len(user_ids) > MOST_NAMED:
        raise Invalid("userIds", f"At most {MOST_NAMED} people at a time.")
    membership.check_people(user_ids)


def _tell_change(me: Identity, group: Conversation) -> None:
    log.append("conversation:updated", group.channel, subject_id=group.id, user_id=me.user_id)


def _clean_name(name: str) -> str:
    return _clean("name", name, NAME_LENGTH)


def _clean_topic(topic: str) -> str:
    return _clean("topic", topic, TOPIC_LENGTH) if topic.strip() else ""


def _clean(field: str, value: str, most: int) -> str:
    try:
        return clean_line(value, most=most)
    except ValueError as error:
        raise Invalid(field, str(error)) from None
