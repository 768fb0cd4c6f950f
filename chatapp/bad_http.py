"""Answers to what is no HTTP: it never reaches the application, and so not its headers either.

gunicorn's own are pages, which a browser would show as if they were ours.
"""

import json
from typing import Any

from gunicorn import util

_HEADERS = (
    "Connection: close",
    "Content-Type: application/problem+json",
    "X-Content-Type-Options: nosniff",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    "Cache-Control: no-store",
)


def install() -> None:
    """Let this worker answer so."""
    util.write_error = answer


def answer(sock: Any, status: int, reason: str, message: str) -> None:
    """Write the problem (RFC 9457) to a client's socket, in place of gunicorn's ``write_error``."""
    problem = {"type": "about:blank", "title": reason, "status": status, "detail": message}
    body = json.dumps(problem)
    lines = (f"HTTP/1.1 {status} {reason}", *_HEADERS, f"Content-Length: {len(body)}", "", body)
    util.write_nonblock(sock, "\r\n".join(lines).encode("ascii"))
