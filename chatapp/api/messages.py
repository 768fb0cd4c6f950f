"""``/api/messages``: post, read back, edit, delete."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from chatapp import identity, text, throttle
from chatapp.api import representations as show
from chatapp.api.answers import AtCursor, json_answer
from chatapp.api.body import read_body
from chatapp.api.fields import Field, Id, Optional, Text
from chatapp.api.query import read_query
from chatapp.domain import history, messages
from chatapp.domain.errors import Forbidden, Invalid, NotFound
from chatapp.metrics import current_metrics

bp = Blueprint("messages", __name__, url_prefix="/messages")


_NEW_MESSAGE: dict[str, Field[Any]] = {
    "content": Text(max=text.MAX_LENGTH),
    "directMessageId": Optional(Id()),
    "groupId": Optional(Id()),
    "userId": Optional(Id()),
    "clientId": Optional(Id()),
}


@bp.post("")
def post() -> Response:
    """Post a message: 201, or 200 where this ``clientId`` had arrived before."""
    me = identity.current()
    body = read_body(**_NEW_MESSAGE)
    if body["userId"] not in (None, me.user_id):
        raise Forbidden("userId must be your own: nobody speaks for somebody else.", "userId")
    conversation_id = conversation_named_in(body)
    throttle.check_change(me.user_id)
    with current_metrics().posts.time():
        posted = messages.post(me, conversation_id, body["content"], body["clientId"])
    return json_answer(show.message(posted.message), 201 if posted.created else 200)


@bp.get("")
def page() -> Response:
    """Return a page of a conversation, oldest first, with ``Link`` headers to its neighbours."""
    me = identity.current()
    query = read_query("directMessageId", "groupId", "limit", "before", "after")
    conversation_id = conversation_named_in(query)
    if query.get("before") and query.get("after"):
        raise Invalid("after", "Give before or after, not both.")
    answer = AtCursor()
    found = history.page(
        me,
        conversation_id,
        before=query.get("before"),
        after=query.get("after"),
        limit=query["limit"],
    )
    response = answer([show.message(row) for row in found.messages])
    _add_links(response, query, found)
    return response


@bp.get("/<message_id>")
def one(message_id: str) -> Response:
    """Return one message."""
    return json_answer(show.message(messages.find(identity.current(), message_id)))


@bp.patch("/<message_id>")
def edit(message_id: str) -> Response:
    """Replace the text of one's own message."""
    me = identity.current()
    body = read_body(content=Text(max=text.MAX_LENGTH))
    throttle.check_change(me.user_id)
    return json_answer(show.message(messages.edit(me, message_id, body["content"])))


@bp.delete("/<message_id>")
def delete(message_id: str) -> tuple[str, int]:
    """Take back one's own message."""
    messages.delete(identity.current(), message_id)
    return "", 204


def conversation_named_in(fields: dict[str, Any]) -> str:
    """Return the conversation that ``directMessageId`` or ``groupId`` names.

    Raises:
        Invalid: neither or both are given.
        NotFound: the id is not of the kind that its field says.
    """
    given = [(field, fields[field]) for field in show.REFERENCE.values() if fields.get(field)]
    if len(given) != 1:
        raise Invalid("directMessageId", "Give directMessageId or groupId, one of the two.")
    field, conversation_id = given[0]
    if show.REFERENCE.get(conversation_id.partition("_")[0]) != field:
        raise NotFound
    return str(conversation_id)


def _add_links(response: Response, query: dict[str, Any], page: history.Page) -> None:
    """Add the RFC 8288 links: ``prev`` to older messages, ``next`` to newer ones."""
    if not page.messages:
        return
    kept = {name: query[name] for name in (*show.REFERENCE.values(), "limit") if name in query}
    links = []
    if page.has_older:
        links.append(_link("prev", {**kept, "before": page.messages[0].id}))
    if page.has_newer:
        links.append(_link("next", {**kept, "after": page.messages[-1].id}))
    if links:
        # One field: of two with the same name many a client shows the first, or the last.
        response.headers["Link"] = ", ".join(links)


def _link(relation: str, query: dict[str, Any]) -> str:
    return f'<{url_for(f"{request.blueprint}.page", **query)}>; rel="{relation}"'
