"""A conversation's details: its people, its name and topic, leaving and archiving."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from chatapp import identity, throttle
from chatapp.domain import conversations as domain
from chatapp.domain import groups
from chatapp.domain.errors import Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.web import conversations, present, shell
from chatapp.web.blueprint import blueprint
from chatapp.web.forms import Form
from chatapp.web.people import choices
from chatapp.web.present import Opened
from chatapp.web.responses import see_other


@blueprint.get("/conversations/<conversation_id>/details")
def details(conversation_id: str) -> str:
    """Show the details beside the conversation."""
    me = identity.current()
    return _render(me, conversation_id, _form(me, conversation_id))


@blueprint.post("/conversations/<conversation_id>/details")
def change_group(conversation_id: str) -> Response | tuple[str, int]:
    """Change a group's name and topic."""
    me = identity.current()
    form = _form(me, conversation_id)
    with form.checked():
        throttle.check_change(me.user_id)
        groups.change(me, conversation_id, name=_new(form, "name"), topic=_new(form, "topic"))
        return _back(conversation_id)
    return _render(me, conversation_id, form), form.status


@blueprint.route("/conversations/<conversation_id>/people/add", methods=["GET", "POST"])
def add_people(conversation_id: str) -> Response | str | tuple[str, int]:
    """Choose people and add them to a group."""
    me = identity.current()
    form = Form("user_ids", source=request.values)
    view = _group(me, conversation_id)
    if request.method == "POST":
        with form.checked():
            if not form.all("user_ids"):
                raise Invalid("userIds", "Choose somebody first.")
            throttle.check_change(me.user_id)
            groups.add_members(me, conversation_id, form.all("user_ids"))
            return _back(conversation_id)
    listed = choices(me, form.all("user_ids"), without={member.id for member in view.members})
    return shell.render(me, "add_people.html", view=view, form=form, **listed), form.status


@blueprint.post("/conversations/<conversation_id>/people/<user_id>/remove")
def remove_member(conversation_id: str, user_id: str) -> Response:
    """Put somebody out of a group."""
    me = identity.current()
    throttle.check_change(me.user_id)
    groups.remove_member(me, conversation_id, user_id)
    return _back(conversation_id)


@blueprint.route("/conversations/<conversation_id>/leave", methods=["GET", "POST"])
def leave_group(conversation_id: str) -> Response | str:
    """Leave a group; a GET asks first."""
    me = identity.current()
    if request.method == "GET":
        return shell.render(me, "leave_group.html", view=_group(me, conversation_id))
    throttle.check_change(me.user_id)
    groups.leave(me, conversation_id)
    return see_other(".conversations")


@blueprint.post("/conversations/<conversation_id>/archive")
def archive_group(conversation_id: str) -> Response:
    """Archive a group, or bring it back."""
    archived = request.form.get("archived") != "no"
    me = identity.current()
    throttle.check_change(me.user_id)
    groups.change(me, conversation_id, archived=archived)
    return _back(conversation_id)


def _group(me: Identity, conversation_id: str) -> Opened:
    view = present.opened(domain.view_for(me, conversation_id), me)
    if view.kind != "group":
        raise NotFound
    return view


def _form(me: Identity, conversation_id: str) -> Form:
    view = domain.view_for(me, conversation_id)
    name, topic = view.title, view.conversation.topic
    return Form("name", "topic", name=name, topic=topic, was_name=name, was_topic=topic)


def _new(form: Form, name: str) -> str | None:
    """Return a field that was changed: another may have got a new value from somebody else."""
    return form[name] if form[name] != form[f"was_{name}"] else None


def _render(me: Identity, conversation_id: str, form: Form) -> str:
    return conversations.render(me, conversation_id, "details.html", form=form, details_open=True)


def _back(conversation_id: str) -> Response:
    return see_other(".details", conversation_id=conversation_id)
