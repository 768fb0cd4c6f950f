"""Refusals with words of the pages' own; all others are said by chatapp.api.problems.

The template gives back the message that was being sent, whatever the refusal is.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_wtf.csrf import CSRFError

from chatapp.security import request_id

Answer = tuple[str, int]

_SIGNED_OUT = "What you wrote was not sent. Copy it, sign in, and send it again."
_OLD_FORM = "Nothing was changed. Go back, reload the page, and try again."


def init_blueprint(blueprint: Blueprint) -> None:
    """Answer a form that is not of this session in words that a person uses."""
    blueprint.register_error_handler(CSRFError, csrf_error)


def csrf_error(_error: CSRFError) -> Answer:
    """Say that the form's token is not this session's, as after a new sign-in in another tab."""
    return _page(400, "This page was too old", _OLD_FORM)


def signed_out_while_writing() -> Answer:
    """Give a message back to somebody whose session ended before it was sent."""
    return _page(401, "You are signed out", _SIGNED_OUT)


def _page(status: int, title: str, detail: str) -> Answer:
    facts = {"status": status, "title": title, "detail": detail, "request_id": request_id()}
    return render_template("error.html", **facts), status
