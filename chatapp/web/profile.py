"""One's own profile: name, password, and where one is signed in."""

from __future__ import annotations

from typing import Any

from flask import flash, request
from werkzeug.wrappers import Response

from chatapp import identity, throttle
from chatapp.domain import accounts, sessions
from chatapp.domain.identity import Identity
from chatapp.web import shell
from chatapp.web.blueprint import blueprint
from chatapp.web.forms import Form
from chatapp.web.responses import see_other


@blueprint.route("/profile", methods=["GET", "POST"])
def profile() -> Response | tuple[str, int]:
    """Show the profile; change the name that the others see."""
    me = identity.current()
    form = Form("display_name", display_name=me.display_name)
    if request.method == "POST":
        with form.checked():
            throttle.check_change(me.user_id)
            accounts.change_display_name(me, form["display_name"])
            return _saved("Your name is changed.")
    return _render(me, form=form), form.status


@blueprint.route("/profile/password", methods=["GET", "POST"])
def change_password() -> Response | tuple[str, int]:
    """Change the password, which signs out everywhere else.

    Who loads the address of a refusal anew is led to the profile.
    """
    me = identity.current()
    if request.method == "GET":
        return see_other(".profile")
    form = Form("old_password", "password")
    with form.checked():
        accounts.change_password(me, form["old_password"], form["password"])
        return _saved("Your password is changed, and you are signed out everywhere else.")
    return _render(me, password_form=form), form.status


@blueprint.post("/profile/sessions/revoke")
def revoke_sessions() -> Response:
    """Sign out everywhere, here too."""
    me = identity.current()
    sessions.revoke_all_of(me, me.user_id)
    identity.sign_out_browser()
    flash("You are signed out everywhere.")
    return see_other(".sign_in")


@blueprint.post("/profile/sessions/<session_id>/revoke")
def revoke_session(session_id: str) -> Response:
    """Sign one other browser out."""
    sessions.revoke(identity.current(), session_id)
    return _saved("That browser is signed out.")


def _render(me: Identity, **forms: Form) -> str:
    context: dict[str, Any] = {
        "form": Form("display_name", display_name=me.display_name),
        "password_form": Form("old_password", "password"),
        "sessions": sessions.listing(me),
        "this_session": me.credential_id,
    }
    return shell.render(me, "profile.html", **(context | forms))


def _saved(words: str) -> Response:
    flash(words)
    return see_other(".profile")
