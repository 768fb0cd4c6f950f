"""Rows of the domain as the templates show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from chatapp.domain.conversations import ConversationView
from chatapp.domain.identity import Identity
from chatapp.models import MessageRow, User
from chatapp.models.user import hue_of, initials_of
from chatapp.text import excerpt

#: Messages of one author that follow within this time make one block.
BLOCK = timedelta(minutes=5)
_A_PAIR = 2


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's name and drawn avatar."""

    id: str = ""
    name: str = ""
    display_name: str = ""
    is_admin: bool = False

    @property
    def hue(self) -> int:
        """The avatar's hue, 0 to 11."""
        return hue_of(self.id)

    @property
    def initials(self) -> str:
        """The avatar's letters."""
        return initials_of(self.display_name) if self.id else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as ``_message.html`` takes it; the blank one is the browser's template."""

    id: str = ""
    conversation_id: str = ""
    html: str = ""
    author: Person = field(default_factory=Person)
    created_at: datetime | None = None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the timeline: a message, and what stands above it."""

    message: Shown
    continued: bool
    day: date | None
    first_unread: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation as ``_conversation_item.html`` takes it; the blank one is for cloning."""

    id: str = "-"
    kind: str = "dm"
    private_group: bool = False
    archived: bool = False
    title: str = ""
    #: The other one of a direct message between two.
    other_id: str = ""
    hue: int = 0
    initials: str = ""
    last_message_id: str = ""
    last_words: str = ""
    last_at: datetime | None = None
    unread_count: int = 0


def me_as_person(me: Identity) -> Person:
    """Return the one who is looking at the page."""
    return Person(me.user_id, me.name, me.display_name, me.is_admin)


def shown(message: MessageRow) -> Shown:
    """Return a message with its author."""
    author = Person(message.author_id, message.author_name, message.author_display_name)
    return Shown(
        message.id,
        message.conversation_id,
        message.html,
        author,
        message.created_at,
        message.edited_at,
    )


def rows(messages: Sequence[MessageRow], first_unread_id: str | None) -> list[Row]:
    """Return a page of messages in blocks, with its days and where the unread ones begin."""
    befores: list[MessageRow | None] = [None, *messages]
    return [
        _row(before, message, message.id == first_unread_id)
        for before, message in pairwise(befores)
        if message is not None
    ]


def _row(before: MessageRow | None, message: MessageRow, first_unread: bool) -> Row:
    day = message.created_at.date()
    new_day = before is None or before.created_at.date() != day
    continued = (
        before is not None
        and not new_day
        and not first_unread
        and before.author_id == message.author_id
        and message.created_at - before.created_at < BLOCK
    )
    return Row(shown(message), continued, day if new_day else None, first_unread)


def item(view: ConversationView, me: Identity) -> Item:
    """Return a line of the list of conversations."""
    conversation, last = view.conversation, view.last_message
    face = _face(view.members, me)
    return Item(
        id=conversation.id,
        kind=conversation.kind,
        private_group=conversation.kind == "group" and conversation.private,
        archived=conversation.archived_at is not None,
        title=view.title,
        other_id=_other_id(view, me),
        hue=face.hue,
        initials=face.initials,
        last_words=_last_words(last, me, named=_is_crowd(view)) if last else "",
        last_message_id=last.id if last else "",
        last_at=last.created_at if last else None,
        unread_count=view.unread_count,
    )


def _face(members: Sequence[User], me: Identity) -> Person | User:
    """Return whose avatar stands for a direct message."""
    return next((user for user in members if user.id != me.user_id), me_as_person(me))


def _other_id(view: ConversationView, me: Identity) -> str:
    """Return who it is with, in a direct message of two: nobody else's presence is its own."""
    others = [user.id for user in view.members if user.id != me.user_id]
    return others[0] if view.conversation.kind == "dm" and len(others) == 1 else ""


def _is_crowd(view: ConversationView) -> bool:
    return view.conversation.kind == "group" or len(view.members) > _A_PAIR


def _last_words(last: MessageRow, me: Identity, *, named: bool) -> str:
    words = excerpt(last.content)
    if last.author_id == me.user_id:
        return f"You: {words}"
    return f"{last.author_display_name}: {words}" if named else words


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation with its people, as the conversation's page and its details take it."""

    id: str
    kind: str
    title: str
    topic: str
    private: bool
    archived: bool
    owner_id: str | None
    created_at: datetime
    unread_count: int
    last_message_id: str | None
    members: Sequence[User]
    #: The other one of a direct message between two.
    other_id: str
    #: Whether the one who looks may rename, remove and archive.
    may_change: bool

    @property
    def may_add(self) -> bool:
        """Whether members may let others in."""
        return self.kind == "group" and not self.archived

    @property
    def may_return(self) -> bool:
        """Whether somebody who leaves can join again without being let in."""
        return self.kind == "group" and not self.private and not self.archived

    @property
    def way_back(self) -> str:
        """How somebody who leaves gets in again, in words."""
        if self.may_return:
            return "You can join it again."
        if len(self.members) == 1:
            return "You are the last one in it: nobody will read it again."
        if self.private:
            return "You cannot come back by yourself: one of the others has to add you."
        return "It is archived: nobody can join it."

    @property
    def deactivated(self) -> bool:
        """Whether the other one of a direct message is not here to read it."""
        return any(user.id == self.other_id and not user.is_active for user in self.members)

    @property
    def kind_text(self) -> str:
        """What sort of conversation it is, in words."""
        if self.kind == "dm":
            return "Direct message"
        return "Private group" if self.private else "Group that everybody can join"

    @property
    def beginning(self) -> str:
        """The sentence above the first message."""
        if self.kind == "dm" or self.archived:
            return "Only the people in it can read this conversation."
        if self.private:
            return "Only its members find and read this group."
        return "Everybody here can find this group and join it."


def opened(view: ConversationView, me: Identity) -> Opened:
    """Return a conversation as its own page shows it."""
    conversation = view.conversation
    group = conversation.kind == "group"
    return Opened(
        id=conversation.id,
        kind=conversation.kind,
        title=view.title,
        topic=conversation.topic,
        private=conversation.private,
        archived=conversation.archived_at is not None,
        owner_id=conversation.owner_id,
        created_at=conversation.created_at,
        unread_count=view.unread_count,
        last_message_id=view.last_message.id if view.last_message else None,
        members=view.members,
        other_id=_other_id(view, me),
        may_change=group and (me.is_admin or conversation.owner_id == me.user_id),
    )
