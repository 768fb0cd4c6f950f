"""What things look like in JSON: the one place that spells the wire's field names.

docs/API.md documents them; times are RFC 3339 in UTC with ``Z``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chatapp import text
from chatapp.domain.conversations import ConversationView
from chatapp.models import Conversation, MessageRow, User
from chatapp.models.user import hue_of, initials_of

Json = dict[str, Any]

#: The field that names a message's conversation, by the conversation's kind.
REFERENCE = {"dm": "directMessageId", "group": "groupId"}


def time(moment: datetime | None) -> str | None:
    """Return a moment as RFC 3339, in milliseconds."""
    # isoformat and a cut take a fifth of what strftime does, and a page has a hundred of them.
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z" if moment else None


def reference(conversation_id: str) -> dict[str, str]:
    """Return ``{"directMessageId": …}`` or ``{"groupId": …}``, whichever the id is of."""
    return {REFERENCE[conversation_id.partition("_")[0]]: conversation_id}


def user(person: User) -> Json:
    """Return a person."""
    return {
        **author(person.id, person.name, person.display_name),
        "isAdmin": person.is_admin,
        "isActive": person.is_active,
    }


def author(user_id: str, name: str, display_name: str) -> Json:
    """Return as much of a person as a message shows."""
    return {
        "id": user_id,
        "name": name,
        "displayName": display_name,
        "initials": initials_of(display_name),
        "hue": hue_of(user_id),
    }


def message(row: MessageRow) -> Json:
    """Return a message; the same object on pages, in answers and in events."""
    return {
        "id": row.id,
        "content": row.content,
        "html": html(row),
        "userId": row.author_id,
        **reference(row.conversation_id),
        "createdAt": time(row.created_at),
        "editedAt": time(row.edited_at),
        "clientId": row.client_id,
        "author": author(row.author_id, row.author_name, row.author_display_name),
    }


def html(row: MessageRow) -> str:
    """Return a message's HTML; text that an older renderer made is made anew."""
    return row.html if row.html_version == text.RENDERER_VERSION else text.render(row.content)


def conversation(view: ConversationView) -> Json:
    """Return a conversation as one member sees it."""
    last = view.last_message
    return {
        **conversation_facts(view.conversation),
        "memberIds": view.member_ids,
        "members": [user(member) for member in view.members],
        "lastMessage": message(last) if last else None,
        "lastReadMessageId": view.last_read_message_id,
        "unreadCount": view.unread_count,
    }


def conversation_facts(row: Conversation) -> Json:
    """Return what a conversation's own row says."""
    return {
        "id": row.id,
        "type": row.kind,
        "channel": row.channel,
        "name": row.name,
        "topic": row.topic,
        "private": row.private,
        "ownerId": row.owner_id,
        "createdAt": time(row.created_at),
        "archivedAt": time(row.archived_at),
    }
