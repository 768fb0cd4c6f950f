"""Administration: people and invites. The domain refuses whoever is no administrator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort, request, url_for
from werkzeug.wrappers import Response

from chatapp import identity
from chatapp.domain import accounts, invites, people, resets
from chatapp.domain.identity import Identity
from chatapp.web import shell
from chatapp.web.blueprint import blueprint
from chatapp.web.forms import Form
from chatapp.web.responses import see_other

_VERBS = {
    "deactivate": accounts.deactivate,
    "reactivate": accounts.reactivate,
    "promote": accounts.make_admin,
    "demote": accounts.remove_admin,
}


@blueprint.get("/admin/people")
def admin_people() -> str:
    """Show everybody, deactivated people too."""
    return _people(identity.current_admin(), Form())


@blueprint.route("/admin/people/<user_id>/<verb>", methods=["GET", "POST"])
def change_person(user_id: str, verb: str) -> Response | tuple[str, int]:
    """Deactivate, reactivate, promote or demote somebody.

    Who loads the address of an answer anew, also of a link that was shown, is led to the list.
    """
    me = identity.current_admin()
    form = Form()
    with form.checked():
        if request.method == "POST":
            _VERBS.get(verb, _no_verb)(me, user_id)
        # Back to the row, among those that were searched for.
        searched = {"people": query} if (query := _query()) else {}
        return see_other(".admin_people", **searched, _anchor=user_id)
    return _people(me, form), form.status


@blueprint.post("/admin/people/<user_id>/reset-link")
def create_reset_link(user_id: str) -> tuple[str, int]:
    """Make a link to choose a new password by. Shown in this answer alone, so no redirect."""
    me = identity.current_admin()
    form = Form()
    link: dict[str, str] = {}
    with form.checked():
        secret = resets.create(me, user_id)
        name = accounts.get(user_id).display_name
        link = {
            "link": url_for(".reset", token=secret, _external=True),
            "link_title": f"A new password for {name}.",
            "link_help": "Send this link to nobody else. It works once, and is shown only now.",
        }
    return _people(me, form, **link), form.status


@blueprint.route("/admin/invites", methods=["GET", "POST"])
def admin_invites() -> tuple[str, int]:
    """Show the open invites; make one, whose link is shown in this answer alone."""
    me = identity.current_admin()
    form = Form("label", "uses", "days", uses="1", days="7")
    link: dict[str, Any] = {}
    if request.method == "POST":
        with form.checked():
            secret = _create_invite(me, form)
            link = {
                "link": url_for(".join", token=secret, _external=True),
                "link_title": "The invite is ready.",
                "link_help": "Copy its link and send it: it is shown only now.",
            }
    invited = invites.listing(me)
    page = shell.render(me, "admin_invites.html", form=form, invites=invited, **link)
    return page, form.status


@blueprint.post("/admin/invites/<invite_id>/revoke")
def revoke_invite(invite_id: str) -> Response:
    """End an invite before its time."""
    invites.revoke(identity.current_admin(), invite_id)
    return see_other(".admin_invites")


def _create_invite(me: Identity, form: Form) -> str:
    days = int(form["days"]) if form["days"] in ("1", "7", "30") else None
    return invites.create(
        me,
        single_use=form["uses"] == "1",
        expires_in=timedelta(days=days) if days else None,
        label=form["label"],
    )


def _people(me: Identity, form: Form, **context: Any) -> str:
    query = _query()
    wanted = people.folded(query)
    found = [
        user
        for user in people.everybody(me)
        if wanted in f"{user.name} {people.folded(user.display_name)}"
    ]
    return shell.render(
        me, "admin_people.html", form=form, people=found, people_query=query, **context
    )


def _query() -> str:
    return request.args.get("people", "")


def _no_verb(_me: Identity, _user_id: str) -> None:
    abort(404)
