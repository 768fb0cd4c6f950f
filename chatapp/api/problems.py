"""Errors: of the API as RFC 9457 problem+json, of pages as a page, none with a secret in it."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from flask import Flask, Response, render_template, request
from gunicorn.http.errors import NoMoreData, ParseException
from markupsafe import escape
from werkzeug.exceptions import BadRequest, BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

from chatapp.domain.errors import DomainError, NotFound, TooMany
from chatapp.security import request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

logger = logging.getLogger("chatapp.errors")

STREAM_PATH = "/api/sse"
#: Headers of an HTTPException that tell the client what to do next.
_KEPT = frozenset({"Allow", "Retry-After", "WWW-Authenticate"})
#: Seconds to wait where the error itself knows no better.
_RETRY = {429: 60, 503: 1}
#: Our words where the exception has none of its own. werkzeug's speak to programmers.
_WORDS = {
    400: "The server could not make sense of this request.",
    403: "You may not do this.",
    404: "There is nothing here, or nothing that you may see.",
    405: "This address cannot be used in this way.",
    408: "This took too long to arrive. Try again.",
    413: "That is too large. Shorten it, and send it again.",
    429: "That was too often; wait a moment, then try again.",
    500: "Something went wrong on our side. It has been noted under the request id below.",
    503: "The server cannot do this just now. Wait a moment, then try again.",
}
#: What a page calls them, to people: HTTP's own phrases and the API's are for programs.
_HEADINGS = {
    400: "That did not work",
    405: "That did not work",
    408: "That did not work",
    409: "That did not work",
    413: "Too large",
    429: "Too often",
    500: "Something went wrong",
    503: "Not just now",
}


def init_app(app: Flask) -> None:
    """Answer every error of ``app``."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _unhandled)
    # What gunicorn raises from within our reading of a body: it is no HTTP, or it broke off.
    app.register_error_handler(ParseException, _bad_body)
    app.register_error_handler(NoMoreData, _bad_body)
    # Flask would log it without the id that the person sees.
    setattr(app, "log_exception", _leave_to_us)  # noqa: B010 (mypy knows it as a method)


def _leave_to_us(_exc_info: object) -> None:
    """Stand in for Flask's logging."""


def problem(
    status: int,
    title: str = "",
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> Response:
    """Return a problem+json answer; ``extra`` are further members, such as ``errors``."""
    body = {
        "type": "about:blank",
        "title": title or _phrase(status),
        "status": status,
        "detail": detail or _WORDS.get(status, ""),
        "requestId": request_id(),
        **extra,
    }
    response = Response(orjson.dumps(body), status, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    if request.path == STREAM_PATH:
        response.headers["X-Accel-Buffering"] = "no"
    response.headers.update(headers or {})
    return response


def _domain_error(error: DomainError) -> ResponseReturnValue:
    retry_after = error.retry_after if isinstance(error, TooMany) else _RETRY.get(error.status)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    extra = {"errors": [{"field": error.field, "detail": error.detail}]} if error.field else {}
    return _answer(error.status, error.title, error.detail, headers, **extra)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    headers = {name: value for name, value in error.get_headers() if name in _KEPT}
    if error.code in _RETRY:
        headers.setdefault("Retry-After", str(_RETRY[error.code]))
    return _answer(error.code, _phrase(error.code), _detail(error), headers)


def _bad_body(_error: Exception) -> ResponseReturnValue:
    return _http_error(BadRequest())


def _unhandled(error: InternalServerError) -> ResponseReturnValue:
    """Answer with nothing but an id, under which the log has it all."""
    cause = error.original_exception
    logger.error(
        "unhandled exception",
        exc_info=cause or sys.exc_info(),
        extra={
            "event": "request_failed",
            "request_id": request_id(),
            "method": request.method,
            # Not the path itself: a link's secret may be a part of it.
            "path": request.url_rule.rule if request.url_rule else request.path,
        },
    )
    return _answer(500, _phrase(500), _WORDS[500])


def _answer(
    status: int,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> ResponseReturnValue:
    if _wants_problem():
        return problem(status, title, detail, headers, **extra)
    return _page(status, title, detail), status, dict(headers or {})


def _wants_problem() -> bool:
    is_api = request.path == "/api" or request.path.startswith("/api/")
    return is_api or not request.accept_mimetypes.accept_html


def _page(status: int, title: str, detail: str) -> str:
    title = _HEADINGS.get(status, title)
    facts = {"status": status, "title": title, "detail": detail, "request_id": request_id()}
    try:
        return render_template("error.html", **facts)
    except Exception:  # noqa: BLE001 (what broke the page may break the error page's layout, too)
        text = f"<h1>{escape(title)}</h1><p>{escape(detail)}</p><p>{request_id()}</p>"
        return f'<!doctype html><html lang="en"><title>{escape(title)}</title>{text}</html>'


def _detail(error: HTTPException) -> str:
    if isinstance(error, BadRequestKeyError):
        return _WORDS[400]
    own = error.description
    is_said_by_us = own is not None and own != type(error).description
    # Flask-Limiter's own words are the rule ("5 per 1 minute").
    if is_said_by_us and error.code != HTTPStatus.TOO_MANY_REQUESTS:
        return str(own)
    return _WORDS.get(error.code or 0) or str(own or "")


def _phrase(status: int) -> str:
    # An address that is none and a thing that is hidden must be one answer, to the letter.
    return NotFound.title if status == NotFound.status else HTTP_STATUS_CODES.get(status, "Error")
