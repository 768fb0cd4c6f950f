"""Refusals with words of the pages' own; all others are said by chatapp.api.problems.

The template gives back the message that was being sent, whatever the refusal is.
"""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask_wtf.csrf import CSRFError

from chatapp.security import request_id

Answer = tuple[str, int]

_SIGNED_OUT = "What you wrote was not sent. Copy it, sign in, and send it again."
_OLD_FORM = "Nothing was changed. Go back, reload the page, and try again."


def init_blueprint(blueprint: Blueprint) -> None:
    """Answer a form that is not of this session in words that a person uses."""
    blueprint.before_request(refuse_nul)
    blueprint.register_error_handler(CSRFError, csrf_error)


def refuse_nul() -> None:
    """Refuse what no keyboard types and PostgreSQL cannot take, before any query sees it.

    A message's text passes: the domain says at the field what is wrong with it.
    """
    entered = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if "\0" in request.path or any("\0" in text for name, text in entered if name != "content"):
        abort(400)


def csrf_error(_error: CSRFError) -> Answer:
    """Say that the form's token is not this session's, as after a new sign-in in another tab."""
    return _page(400, "This page was too old", _OLD_FORM)


def signed_out_while_writing() -> Answer:
    """Give a message back to somebody whose session ended before it was sent."""
    return _page(401, "You are signed out", _SIGNED_OUT)


def _page(status: int, title: str, detail: str) -> Answer:
    facts = {"status": status, "title": title, "detail": detail, "request_id": request_id()}
    return render_template("error.html", **facts), status
