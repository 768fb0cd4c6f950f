"""One message by its own address: reading, editing and deleting it without JavaScript."""

from __future__ import annotations

from werkzeug.wrappers import Response

from chatapp import identity, throttle
from chatapp.domain import messages
from chatapp.domain.errors import Forbidden
from chatapp.domain.identity import Identity
from chatapp.models import MessageRow
from chatapp.web import present, shell
from chatapp.web.blueprint import blueprint
from chatapp.web.content import clean_content
from chatapp.web.forms import Form
from chatapp.web.responses import see_other


@blueprint.get("/messages/<message_id>")
def message(message_id: str) -> str:
    """Show a message, and to its author what can be done with it."""
    me = identity.current()
    return _render(me, messages.find(me, message_id), "view")


@blueprint.get("/messages/<message_id>/edit")
def edit_message(message_id: str) -> str:
    """Show the text of one's own message for changing it."""
    me = identity.current()
    own = _own(me, message_id)
    return _render(me, own, "edit", Form("content", content=own.content))


@blueprint.post("/messages/<message_id>/edit")
def save_message(message_id: str) -> Response | tuple[str, int]:
    """Change one's own message."""
    me = identity.current()
    form = Form("content")
    with form.checked():
        content = clean_content(form["content"])
        throttle.check_change(me.user_id)
        messages.edit(me, message_id, content)
        return _into_conversation(messages.find(me, message_id))
    return _render(me, messages.find(me, message_id), "edit", form), form.status


@blueprint.get("/messages/<message_id>/delete")
def delete_message(message_id: str) -> str:
    """Ask whether one's own message is to be deleted."""
    me = identity.current()
    return _render(me, _own(me, message_id), "delete")


@blueprint.post("/messages/<message_id>/delete")
def confirm_delete_message(message_id: str) -> Response:
    """Delete one's own message."""
    me = identity.current()
    own = _own(me, message_id)
    messages.delete(me, message_id)
    return see_other(".conversation", conversation_id=own.conversation_id)


def _own(me: Identity, message_id: str) -> MessageRow:
    found = messages.find(me, message_id)
    if found.author_id != me.user_id:
        raise Forbidden("Only its author may change a message.")
    return found


def _render(me: Identity, row: MessageRow, action: str, form: Form | None = None) -> str:
    return shell.render(
        me,
        "message.html",
        message=present.shown(row),
        action=action,
        form=form or Form(),
        current_id=row.conversation_id,
    )


def _into_conversation(row: MessageRow) -> Response:
    return see_other(
        ".conversation", conversation_id=row.conversation_id, around=row.id, _anchor=row.id
    )
