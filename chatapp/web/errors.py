"""What went wrong, said on a page: what happened, what was kept, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from chatapp.domain.errors import DomainError, TooMany

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

Answer = tuple[str, int, dict[str, str]]

#: Sentences for what the web server itself refuses; the domain brings its own.
_WORDS = {
    400: ("That did not work", "The request could not be understood. Go back and try again."),
    403: ("Not allowed", "This is not yours to do."),
    404: ("Nothing here", "There is nothing at this address, or nothing that you may see."),
    405: ("That did not work", "This address cannot be used like that."),
    413: ("Too large", "That was more than can be taken at once."),
    429: ("Too often", "Wait a little, then try again."),
    500: ("Something broke", "It is our fault, and it was written down. Try again in a while."),
    503: ("Not just now", "There is too much to do at the moment. Try again in a while."),
}
_SIGNED_OUT = (
    "You are signed out",
    "Your message was not sent. Copy it, sign in, and send it again.",
)
_OLD_FORM = (
    "This page was too old",
    "Nothing was changed. Go back, reload the page, and try again.",
)


def init_blueprint(blueprint: Blueprint) -> None:
    """Answer whatever goes wrong in the pages with a page."""
    blueprint.register_error_handler(DomainError, domain_error)
    blueprint.register_error_handler(CSRFError, csrf_error)
    blueprint.register_error_handler(HTTPException, http_error)


def domain_error(error: DomainError) -> Answer:
    """Say what the domain refused."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    return page(error.status, error.title, error.detail, headers)


def csrf_error(_error: CSRFError) -> Answer:
    """Say that the form's token is not this session's, as after a new sign-in in another tab."""
    return page(400, *_OLD_FORM)


def http_error(error: HTTPException) -> Answer | Response:
    """Say what the server refused; a redirect is an answer, not an error."""
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    fallback = (error.name, error.description or "")
    headers = {name: value for name, value in error.get_headers() if name in _KEPT_HEADERS}
    return page(error.code, *_WORDS.get(error.code, fallback), headers)


_KEPT_HEADERS = frozenset({"Allow", "Retry-After", "WWW-Authenticate"})


def signed_out_while_writing() -> Answer:
    """Give a message back to somebody whose session ended before it was sent."""
    return page(401, *_SIGNED_OUT)


def page(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Answer:
    """Render the error page; a message that was being sent is on it."""
    html = render_template(
        "error.html",
        status=status,
        title=title,
        detail=detail,
        typed=request.form.get("content", ""),
        request_id=g.get("request_id", ""),
    )
    return html, status, headers or {}
