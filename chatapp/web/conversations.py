"""The list of conversations, and one conversation: reading, paging, posting, marking as read."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from chatapp import identity, throttle
from chatapp.api.answers import current_cursor
from chatapp.domain import conversations as domain
from chatapp.domain import groups, history, messages, people, read_state
from chatapp.domain.errors import NotFound
from chatapp.domain.history import Page
from chatapp.domain.identity import Identity
from chatapp.metrics import current_metrics
from chatapp.models import MessageRow
from chatapp.web import errors, present, shell
from chatapp.web.blueprint import blueprint
from chatapp.web.content import clean_content, id_of_send
from chatapp.web.forms import Form
from chatapp.web.responses import see_other

#: How many messages a page shows on either side of the one that it was opened at.
HALF = 25


@blueprint.get("/")
def home() -> Response:
    """Go to the conversations, or to the sign-in."""
    signed_in = identity.optional() is not None
    return redirect(url_for(".conversations" if signed_in else ".sign_in"))


@blueprint.get("/conversations")
def conversations() -> str:
    """Show the list, or what a search in it finds."""
    me = identity.current()
    query = request.args.get("q", "").strip()[:80]
    found = _find(me, query) if query else None
    if found and request.args.get("fragment"):
        return render_template("_search_results.html", query=query, found=found)
    return shell.render(me, "conversations.html", query=query, found=found)


@blueprint.get("/conversations/<conversation_id>")
def conversation(conversation_id: str) -> str:
    """Show a conversation from its first unread message, or the page that was asked for."""
    return render(identity.current(), conversation_id)


@blueprint.post("/conversations/<conversation_id>")
def post_message(conversation_id: str) -> Response | tuple[str, int]:
    """Post a message; what was typed comes back with any refusal."""
    me = identity.optional()
    if me is None:
        return errors.signed_out_while_writing()
    form = Form("content")
    with form.checked():
        content = clean_content(form["content"])
        throttle.check_change(me.user_id)
        send_id = id_of_send(form["client_id"], content)
        if form["message_id"]:  # up to here was shown what is answered
            read_state.mark_read(me, conversation_id, form["message_id"])
        with current_metrics().posts.time():
            sent = messages.post(me, conversation_id, content, send_id).message
        return see_other(
            ".conversation", conversation_id=conversation_id, around=sent.id, _anchor=sent.id
        )
    refusal = next(iter(form.errors.values()))
    page = render(me, conversation_id, typed=form["content"], composer_error=refusal)
    return page, form.status


@blueprint.post("/conversations/<conversation_id>/read")
def mark_read(conversation_id: str) -> Response:
    """Move the reader's cursor to the last message that the page showed."""
    me = identity.current()
    read_state.mark_read(me, conversation_id, request.form.get("message_id", ""))
    return see_other(".conversation", conversation_id=conversation_id)


def render(
    me: Identity,
    conversation_id: str,
    template: str = "conversation.html",
    **context: Any,
) -> str:
    """Render the page of a conversation, or another that holds it."""
    cursor = current_cursor()
    view = present.opened(domain.view_for(me, conversation_id), me)
    page = _page(me, conversation_id)
    return shell.render(
        me,
        template,
        cursor=cursor,
        view=view,
        page=page,
        rows=present.rows(page.messages, page.first_unread_id),
        current_id=conversation_id,
        **context,
    )


def _page(me: Identity, conversation_id: str) -> Page:
    before, after = request.args.get("before"), request.args.get("after")
    around = request.args.get("around")
    if around:
        return _page_around(me, conversation_id, around)
    if before or after:
        return history.page(me, conversation_id, before=before, after=after)
    return history.opening_page(me, conversation_id)


def _page_around(me: Identity, conversation_id: str, message_id: str) -> Page:
    older = history.page(me, conversation_id, before=message_id, limit=HALF)
    newer = history.page(me, conversation_id, after=message_id, limit=HALF)
    middle = _unless_deleted(me, message_id)
    return Page([*older.messages, *middle, *newer.messages], older.has_older, newer.has_newer)


def _unless_deleted(me: Identity, message_id: str) -> list[MessageRow]:
    try:
        return [messages.find(me, message_id)]
    except NotFound:
        return []


def _find(me: Identity, query: str) -> dict[str, Any]:
    wanted = people.folded(query)
    views = domain.overview(me)
    return {
        "conversations": [
            present.item(view, me) for view in views if wanted in people.folded(view.title)
        ],
        "people": [user for user in people.search(me, query) if user.id != me.user_id],
        "groups": [
            listed.conversation for listed in groups.browse(me, query, 20) if not listed.joined
        ],
    }
