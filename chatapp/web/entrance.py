"""The ways in: signing in, the set-up, joining by invite, a new password by link."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from chatapp import identity
from chatapp.domain import accounts, invites, resets, sessions, setup
from chatapp.models import User
from chatapp.web.blueprint import blueprint
from chatapp.web.forms import Form
from chatapp.web.responses import see_other

#: Makes an account of a link's secret, a name, a display name and a password.
MakeAccount = Callable[[str, str, str, str], User]


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response | tuple[str, int]:
    """Sign in, and go where one was going."""
    form = Form("name", "password")
    if request.method == "POST":
        with form.checked():
            identity.sign_in(form["name"], form["password"])
            return redirect(_next(), 303)
    elif identity.optional():
        return redirect(_next())
    return render_template("sign_in.html", form=form, is_new=setup.is_due()), form.status


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End this browser's session."""
    identity.sign_out()
    return see_other(".sign_in")


@blueprint.route("/set-up/<token>", methods=["GET", "POST"])
def set_up(token: str) -> Response | tuple[str, int]:
    """Make the first administrator."""
    setup.find(token)
    return _new_account(
        token,
        setup.complete,
        heading="Welcome",
        intro="Make the first account: it runs this chat and invites the others.",
        button="Set it up",
    )


@blueprint.route("/join/<token>", methods=["GET", "POST"])
def join(token: str) -> Response | tuple[str, int]:
    """Join the team by an invite."""
    invites.find(token)
    return _new_account(
        token,
        invites.accept,
        heading="Join the team",
        intro="You were invited. Make an account, and you are in.",
        button="Join",
    )


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> Response | tuple[str, int]:
    """Choose a new password by a link from an administrator."""
    name = accounts.get(resets.find(token).user_id or "").name
    form = Form("password")
    if request.method == "POST":
        with form.checked():
            return _sign_in_as(resets.reset(token, form["password"]))
    return render_template("reset.html", form=form, name=name), form.status


def _new_account(token: str, make: MakeAccount, **words: str) -> Response | tuple[str, int]:
    form = Form("display_name", "name", "password")
    if request.method == "POST":
        with form.checked():
            return _sign_in_as(make(token, form["name"], form["display_name"], form["password"]))
    return render_template("new_account.html", form=form, **words), form.status


def _sign_in_as(user: User) -> Response:
    secret, _ = sessions.start(user, request.user_agent.string)
    identity.sign_in_browser(secret)
    return see_other(".conversations")


def _next() -> str:
    return identity.safe_next(request.args.get("next")) or url_for(".conversations")
