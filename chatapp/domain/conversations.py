"""What a person's list of conversations shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ScalarSelect, Select, select

from chatapp.domain import access
from chatapp.domain.errors import NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.read_state import unread_count
from chatapp.extensions import db
from chatapp.models import MESSAGE_ROWS, Conversation, Membership, Message, MessageRow, User


@dataclass(slots=True)
class ConversationView:
    """A conversation as one member sees it.

    ``members`` is filled for direct messages, whose title they are, and where it was asked for.
    """

    conversation: Conversation
    membership: Membership
    unread_count: int
    last_message: MessageRow | None = None
    last_read_message_id: str | None = None
    member_ids: list[str] = field(default_factory=list)
    members: list[User] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The group's name, or the names of the others in a direct message."""
        if self.conversation.name is not None:
            return self.conversation.name
        others = [user for user in self.members if user.id != self.membership.user_id]
        return ", ".join(user.display_name for user in others or self.members)

    @property
    def active_at(self) -> tuple[datetime, int]:
        """When its newest message came, or the member did: what the list is ordered by."""
        joined, last = self.membership.joined_at, self.last_message
        return (max(joined, last.created_at), last.position) if last else (joined, 0)


def overview(me: Identity, up_to: int | None = None) -> list[ConversationView]:
    """Return everything that ``me`` is in, newest activity first; archived groups last.

    ``up_to`` counts what is unread as of that position: whoever counts on from there, by the
    events behind it, then counts each message once.
    """
    views = _views(access.conversations_of(me.user_id), up_to)
    _add_people(views)
    return sorted(
        views,
        key=lambda view: (view.conversation.archived_at is None, view.active_at),
        reverse=True,
    )


def view_for(me: Identity, conversation_id: str) -> ConversationView:
    """Return one conversation with all its members.

    Raises:
        NotFound: there is none, or ``me`` is not in it.
    """
    view = view_without_people(me.user_id, conversation_id)
    view.members = people_in(conversation_id)
    view.member_ids = [person.id for person in view.members]
    return view


def view_without_people(user_id: str, conversation_id: str) -> ConversationView:
    """Return one conversation as ``user_id`` sees it, without its ``members``.

    Raises:
        NotFound: there is none, or ``user_id`` is not in it.
    """
    views = _views(access.conversations_of(user_id).where(Conversation.id == conversation_id))
    if not views:
        raise NotFound
    return views[0]


def people_in(conversation_id: str) -> list[User]:
    """Return a conversation's members, the longest-standing first."""
    query = (
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.conversation_id == conversation_id)
        .order_by(Membership.joined_at, Membership.user_id)
    )
    return list(db.session.scalars(query))


def unread_of_membership(up_to: int | None = None) -> ScalarSelect[int]:
    """Return the SQL for a membership's unread count, inside a query of memberships."""
    return unread_count(
        Membership.conversation_id, Membership.user_id, Membership.read_position, up_to
    )


def _views(
    query: Select[Conversation, Membership], up_to: int | None = None
) -> list[ConversationView]:
    rows = db.session.execute(query.add_columns(unread_of_membership(up_to)))
    views = [ConversationView(*row) for row in rows]
    _add_last_messages(views)
    _add_read_messages(views)
    return views


def _add_last_messages(views: Sequence[ConversationView]) -> None:
    newest = (
        select(Message.id)
        .where(Message.conversation_id == Conversation.id, Message.deleted_at.is_(None))
        .order_by(Message.position.desc())
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    ids = select(newest).select_from(Conversation).where(Conversation.id.in_(_ids(views)))
    rows = db.session.execute(MESSAGE_ROWS.where(Message.id.in_(ids)))
    last = {row.conversation_id: row for row in map(MessageRow._make, rows)}
    for view in views:
        view.last_message = last.get(view.conversation.id)


def _add_read_messages(views: Sequence[ConversationView]) -> None:
    cursors = {view.membership.read_position: view for view in views}
    query = select(Message.position, Message.id).where(
        Message.conversation_id.in_(_ids(views)), Message.position.in_(cursors)
    )
    for position, message_id in db.session.execute(query):
        cursors[position].last_read_message_id = message_id


def _add_people(views: Sequence[ConversationView]) -> None:
    query = (
        select(Membership.conversation_id, Membership.user_id)
        .where(Membership.conversation_id.in_(_ids(views)))
        .order_by(Membership.joined_at, Membership.user_id)
    )
    member_ids: dict[str, list[str]] = defaultdict(list)
    for conversation_id, user_id in db.session.execute(query):
        member_ids[conversation_id].append(user_id)
    named = [view for view in views if view.conversation.kind == "dm"]
    users = _users({id_ for view in named for id_ in member_ids[view.conversation.id]})
    for view in views:
        view.member_ids = member_ids[view.conversation.id]
    for view in named:
        view.members = [users[id_] for id_ in view.member_ids]


def _users(ids: set[str]) -> dict[str, User]:
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _ids(views: Iterable[ConversationView]) -> list[str]:
    return [view.conversation.id for view in views]
