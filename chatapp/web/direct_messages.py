"""Choosing whom to write to."""

from __future__ import annotations

from functools import partial

from flask import request
from werkzeug.wrappers import Response

from chatapp import identity, throttle
from chatapp.domain import direct_messages
from chatapp.web import shell
from chatapp.web.blueprint import blueprint
from chatapp.web.forms import Form
from chatapp.web.people import choices
from chatapp.web.responses import see_other


@blueprint.route("/direct-messages/new", methods=["GET", "POST"])
def new_direct_message() -> Response | tuple[str, int]:
    """Choose one person or several, and open the conversation with them."""
    me = identity.current()
    form = Form("user_ids", source=request.values)
    if request.method == "POST":
        with form.checked():
            check = partial(throttle.check_change, me.user_id)
            opened = direct_messages.open_with(me, form.all("user_ids"), check)
            return see_other(".conversation", conversation_id=opened.conversation.id)
    listed = choices(me, form.all("user_ids"), without={me.user_id})
    return shell.render(me, "new_direct_message.html", form=form, **listed), form.status
