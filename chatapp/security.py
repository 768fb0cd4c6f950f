"""What protects every answer: its headers, its request id, and how far proxies are believed."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from chatapp.config import Settings

_CSP = (
    "default-src 'none'; script-src 'self'{0}; style-src 'self'{0}; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: Of answers that are no pages: nothing stands inline in them, so no nonce lets anything in.
_PLAIN_CSP = _CSP.format("")
#: Of static files, which hold nothing of anybody's: forty come with the first page, so what means
#: something for documents alone is left out.
_STATIC_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
}


def init_app(app: Flask, settings: Settings) -> None:
    """Protect every answer of ``app``; call it first, so that no other hook goes unprotected."""
    if hops := settings.trusted_proxies:
        proxied = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    app.before_request(_name_request)
    app.after_request(_protect)
    app.add_template_global(csp_nonce)


def request_id() -> str:
    """Return the id of this request, which its answer, its errors and its log lines carry."""
    if "request_id" not in g:
        _name_request()
    return str(g.request_id)


def csp_nonce() -> str:
    """Return this answer's nonce, which its inline scripts and styles must carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _name_request() -> None:
    # Set anew each time: requests that a test makes inside an app context share one `g`. An id
    # that the client sends is not taken, since it would be the client who writes our logs.
    g.request_id = secrets.token_hex(8)
    g.pop("csp_nonce", None)


def _protect(response: Response) -> Response:
    headers = response.headers
    if request.endpoint == "static" and response.status_code < HTTPStatus.BAD_REQUEST:
        headers.extend(_STATIC_HEADERS)
        return response
    headers.extend(_HEADERS)
    is_page = response.mimetype == "text/html"
    policy = _CSP.format(f" 'nonce-{csp_nonce()}'") if is_page else _PLAIN_CSP
    headers.add("Content-Security-Policy", policy)
    headers.add("X-Request-Id", request_id())
    if "Cache-Control" not in headers:
        headers.add("Cache-Control", "no-store")
    if request.is_secure:
        headers.add("Strict-Transport-Security", "max-age=31536000")
    return response
