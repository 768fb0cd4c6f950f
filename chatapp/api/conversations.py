"""``/api/conversations`` and ``/api/direct-messages``."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, request

from chatapp import identity, throttle
from chatapp.api import events
from chatapp.api import representations as show
from chatapp.api.answers import AtCursor, json_answer
from chatapp.api.body import read_body
from chatapp.api.delivery import current_delivery
from chatapp.api.fields import Id, IdList
from chatapp.domain import access, conversations, direct_messages, read_state

bp = Blueprint("conversations", __name__)


@bp.get("/conversations")
def listing() -> Response:
    """Return everything that the caller is in, newest activity first."""
    me = identity.current()
    answer = AtCursor()
    views = conversations.overview(me, answer.cursor.position)
    return answer([show.conversation(view) for view in views])


@bp.get("/conversations/<conversation_id>")
def one(conversation_id: str) -> Response:
    """Return one conversation with its members."""
    me = identity.current()
    answer = AtCursor()
    return answer(show.conversation(conversations.view_for(me, conversation_id)))


@bp.post("/direct-messages")
def open_direct_message() -> Response:
    """Open the direct message with these people: 201, or 200 where it exists."""
    me = identity.current()
    body = read_body(userIds=IdList(max=direct_messages.MOST_PEOPLE))
    check = partial(throttle.check_change, me.user_id)
    opened = direct_messages.open_with(me, body["userIds"], check)
    view = conversations.view_for(me, opened.conversation.id)
    return json_answer(show.conversation(view), 201 if opened.created else 200)


@bp.post("/conversations/<conversation_id>/read")
def mark_read(conversation_id: str) -> tuple[str, int]:
    """Move the caller's read cursor to a message; never back."""
    body = read_body(messageId=Id())
    read_state.mark_read(identity.current(), conversation_id, body["messageId"])
    return "", 204


@bp.post("/conversations/<conversation_id>/typing")
def typing(conversation_id: str) -> tuple[str, int]:
    """Say that the caller is typing; shown for a few seconds, kept nowhere."""
    me = identity.current()
    if request.content_length:
        read_body()
    throttle.check_typing(me.user_id)
    conversation = access.conversation_for(me, conversation_id)
    frame = events.typing(me.user_id, conversation.id)
    current_delivery().signal(conversation.channel, frame)
    return "", 204
