"""Browsers of people on an arena, as far as their cookies and forms go."""

from __future__ import annotations

from itsdangerous import URLSafeTimedSerializer

from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.team import Person


def browser(arena: Arena, person: Person | None) -> dict[str, str]:
    """Return the headers of a browser that is signed in as ``person``, or as nobody."""
    client = person.browser() if person else arena.app.test_client()
    with client.session_transaction() as session:
        session["csrf_token"] = "planted by the test"
    cookie = client.get_cookie("chat_session")
    assert cookie is not None
    signer = URLSafeTimedSerializer(arena.app.secret_key or "", salt="wtf-csrf-token")
    token = signer.dumps("planted by the test")
    return {"Cookie": f"chat_session={cookie.value}", "X-CSRFToken": str(token)}


def form(arena: Arena, path: str, headers: dict[str, str], body: str = "") -> None:
    """Send a form, and see that it was taken."""
    with http.connect(arena.port) as sock:
        fields = {
            **headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
        }
        sock.sendall(http.request_bytes("POST", path, None, headers=fields) + body.encode())
        status, _, _ = http.read_head(sock)
    assert status == 303, (path, status)
