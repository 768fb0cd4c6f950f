"""Groups: finding, joining and making them."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from chatapp import identity, throttle
from chatapp.domain import groups as domain
from chatapp.web import shell
from chatapp.web.blueprint import blueprint
from chatapp.web.forms import Form
from chatapp.web.people import choices
from chatapp.web.responses import see_other


@blueprint.get("/groups")
def groups() -> str:
    """Show the groups that everybody may join."""
    me = identity.current()
    query = request.args.get("people", "")
    found, most = domain.browse(me, query), domain.MOST_LISTED
    return shell.render(me, "groups.html", groups=found, people_query=query, most=most)


@blueprint.route("/groups/new", methods=["GET", "POST"])
def new_group() -> Response | tuple[str, int]:
    """Make a group."""
    me = identity.current()
    form = Form("name", "topic", "user_ids")
    if request.method == "POST" and not _is_searching():
        with form.checked():
            private = bool(form["private"])
            chosen = form.all("user_ids")
            throttle.check_change(me.user_id)
            group = domain.create(me, form["name"], chosen, private=private, topic=form["topic"])
            return see_other(".conversation", conversation_id=group.id)
    listed = choices(me, form.all("user_ids"), without={me.user_id})
    return shell.render(me, "new_group.html", form=form, **listed), form.status


def _is_searching() -> bool:
    """Whether the form is sent to look for people: by its search button, or by Enter there."""
    sent = request.form
    typed = sent.get("people", "") != sent.get("searched", "")
    return "search" in sent or ("create" not in sent and typed)


@blueprint.post("/groups/<conversation_id>/join")
def join_group(conversation_id: str) -> Response:
    """Join a public group and open it."""
    me = identity.current()
    throttle.check_change(me.user_id)
    domain.join(me, conversation_id)
    return see_other(".conversation", conversation_id=conversation_id)
