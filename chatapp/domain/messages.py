"""Saying something, changing it, taking it back."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from chatapp import text
from chatapp.domain import access, log
from chatapp.domain.access import Standing
from chatapp.domain.errors import Conflict, Forbidden, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.statements import execute
from chatapp.domain.transaction import post_with_others, transaction
from chatapp.extensions import db
from chatapp.models import MESSAGE_ROWS, Message, MessageRow, new_id, now
from chatapp.models.message import messages as message_table

_by_id = MESSAGE_ROWS.where(message_table.c.id == bindparam("id"))
_by_client_id = MESSAGE_ROWS.where(
    message_table.c.author_id == bindparam("author_id"),
    message_table.c.client_id == bindparam("client_id"),
)
_insert_message = insert(message_table)


class Posted(NamedTuple):
    """What ``post`` did; ``created`` is False where this send had arrived before."""

    message: MessageRow
    created: bool


def post(me: Identity, conversation_id: str, content: str, client_id: str | None = None) -> Posted:
    """Post ``content`` (markdown, at most 8,000 characters) in a conversation.

    ``client_id`` makes a retry safe: the same author and ``client_id`` give the first message
    again and change nothing.

    Raises:
        NotFound: ``me`` is not in such a conversation.
        Conflict: the group is archived, or ``client_id`` was used for something else.
    """
    html = text.render(content)
    draft = _draft(me, conversation_id, content, html, client_id)
    if position := post_with_others(draft):
        return Posted(draft._replace(position=position), created=True)
    try:
        return _post(me, draft)
    except IntegrityError:
        # PostgreSQL only: the same ``client_id`` came for another conversation, which is locked
        # apart from this one, between our look and our insert. Now it is to be seen.
        return _post(me, draft)


def edit(me: Identity, message_id: str, content: str) -> MessageRow:
    """Replace the text of one's own message; the old text is kept nowhere.

    Raises:
        NotFound: there is no such message, or ``me`` may not read it.
        Forbidden: it is somebody else's.
        Conflict: the group is archived.
    """
    html = text.render(content)
    with transaction():
        message, standing = _own_message(me, message_id)
        if message.content != content:
            message.content, message.html = content, html
            message.html_version, message.edited_at = text.RENDERER_VERSION, now()
            log.append(
                "message:updated", standing.channel, subject_id=message.id, user_id=me.user_id
            )
    return by_id_unchecked(message_id)


def delete(me: Identity, message_id: str) -> None:
    """Take back one's own message: its text is gone, from replays and retries too.

    Raises:
        NotFound: there is no such message, or ``me`` may not read it.
        Forbidden: it is somebody else's.
        Conflict: the group is archived.
    """
    with transaction():
        message, standing = _own_message(me, message_id)
        message.content = message.html = ""
        message.deleted_at = now()
        log.append("message:deleted", standing.channel, subject_id=message.id, user_id=me.user_id)


def find(me: Identity, message_id: str) -> MessageRow:
    """Return a message that ``me`` may read.

    Raises:
        NotFound: there is none, it was deleted, or ``me`` is not in its conversation.
    """
    rows = execute(_by_id, {"id": message_id})
    if not rows:
        raise NotFound
    message = MessageRow._make(rows[0])
    if message.deleted_at is not None:
        raise NotFound
    access.standing_in(me, message.conversation_id)
    return message


def by_id_unchecked(message_id: str) -> MessageRow:
    """Return a message by its id, whoever asks: the caller has checked access."""
    return MessageRow._make(execute(_by_id, {"id": message_id})[0])


def _post(me: Identity, draft: MessageRow) -> Posted:
    with transaction():
        standing = access.standing_in(me, draft.conversation_id, for_update=True)
        earlier = _sent_before(me, draft.client_id)
        if earlier is not None:
            return Posted(_same_send(earlier, draft), created=False)
        _check_open(standing)
        message = _insert(standing, draft)
    return Posted(message, created=True)


def _draft(
    me: Identity, conversation_id: str, content: str, html: str, client_id: str | None
) -> MessageRow:
    """Return the message as it will be, but for its position."""
    return MessageRow(
        id=new_id("msg"),
        conversation_id=conversation_id,
        author_id=me.user_id,
        position=0,
        content=content,
        html=html,
        html_version=text.RENDERER_VERSION,
        client_id=client_id,
        created_at=now(),
        edited_at=None,
        deleted_at=None,
        author_name=me.name,
        author_display_name=me.display_name,
    )


def _insert(standing: Standing, draft: MessageRow) -> MessageRow:
    # Taken last, as it locks the log; the row that carries it follows within the same commit.
    position = log.append(
        "message:created", standing.channel, subject_id=draft.id, user_id=draft.author_id
    )
    message = draft._replace(position=position)
    stored = message._asdict()
    del stored["author_name"], stored["author_display_name"]
    execute(_insert_message, stored)
    return message


def _sent_before(me: Identity, client_id: str | None) -> MessageRow | None:
    if client_id is None:
        return None
    rows = execute(_by_client_id, {"author_id": me.user_id, "client_id": client_id})
    return MessageRow._make(rows[0]) if rows else None


def _same_send(earlier: MessageRow, draft: MessageRow) -> MessageRow:
    """Check that a retry repeats its first send; what was edited or deleted since still counts."""
    untouched = earlier.edited_at is None and earlier.deleted_at is None
    same = earlier.conversation_id == draft.conversation_id
    if not same or (untouched and earlier.content != draft.content):
        raise Conflict("This clientId was used for another message.", "clientId")
    return earlier


def _own_message(me: Identity, message_id: str) -> tuple[Message, Standing]:
    message = db.session.scalars(
        # Locked: else an edit could write text into what another request has just deleted.
        select(Message)
        .where(Message.id == message_id, Message.deleted_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if message is None:
        raise NotFound
    standing = access.standing_in(me, message.conversation_id, for_update=True)
    if message.author_id != me.user_id:
        raise Forbidden("Only its author may change a message.")
    _check_open(standing)
    return message, standing


def _check_open(standing: Standing) -> None:
    if standing.archived_at is not None:
        raise Conflict("This group is archived: it can be read, but nothing can be added.")
