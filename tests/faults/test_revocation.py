"""Access is taken away while a stream is open: by every way there is, over HTTP or by a command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from itsdangerous import URLSafeTimedSerializer

from chatapp.cli import OPERATOR
from chatapp.domain import accounts, groups, passwords, sessions, tokens
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User
from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.server import ROOT
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery

PASSWORD = "a long enough passphrase"


def browser(arena: Arena, person: Person) -> dict[str, str]:
    """Return the headers of a browser that is signed in as ``person``."""
    client = person.browser()
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


def sign_out(arena: Arena, person: Person, headers: dict[str, str]) -> None:
    form(arena, "/sign-out", headers)


def change_password(arena: Arena, person: Person, _: dict[str, str]) -> None:
    """Change it in another browser: this one is signed out."""
    hashed = passwords.hash_password(PASSWORD)
    with arena.app.app_context(), transaction():
        db.session.get_one(User, person.id).password_hash = hashed
    body = f"old_password={PASSWORD}&password=another%20good%20passphrase"
    form(arena, "/profile/password", browser(arena, person), body.replace(" ", "%20"))


def sign_out_elsewhere(arena: Arena, person: Person, _: dict[str, str]) -> None:
    form(arena, "/profile/sessions/revoke", browser(arena, person))


def replace_password(arena: Arena, person: Person, _: dict[str, str]) -> None:
    """As `flask user password` does, in another process."""
    with arena.app.app_context():
        accounts.replace_password(OPERATOR, person.id, PASSWORD)


def sign_out_beside(arena: Arena, person: Person, headers: dict[str, str]) -> None:
    with arena.app.app_context():
        ours = sessions.find(_secret(arena, headers))
        assert ours is not None
        sessions.sign_out(ours)


def _secret(arena: Arena, headers: dict[str, str]) -> str:
    value = headers["Cookie"].partition("=")[2]
    interface = arena.app.session_interface
    signer = interface.get_signing_serializer(arena.app)  # type: ignore[attr-defined]
    return str(signer.loads(value)["secret"])


def deactivate(arena: Arena, person: Person, _: dict[str, str]) -> None:
    form(arena, f"/admin/people/{person.id}/deactivate", browser(arena, arena.admin))


def deactivate_by_command(arena: Arena, person: Person, _: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flask", "user", "deactivate", person.name]
    env = {"CHAT_DATA_DIR": str(arena.server.data_dir)}
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)


def revoke_token(arena: Arena, person: Person, _: dict[str, str]) -> None:
    with arena.app.app_context():
        for token in tokens.listing(OPERATOR, person.name):
            tokens.revoke(OPERATOR, token.id)


Way = Callable[[Arena, Person, dict[str, str]], None]

#: Ways to end a browser's stream, and ways to end a script's.
BROWSERS: list[Way] = [
    sign_out,
    sign_out_beside,
    sign_out_elsewhere,
    change_password,
    replace_password,
    deactivate,
]
SCRIPTS: list[Way] = [revoke_token, deactivate_by_command]


def test_every_way_ends_the_stream_and_shuts_the_door(arena: Arena) -> None:
    owner = arena.person()
    members = [arena.person() for _ in (*BROWSERS, *SCRIPTS)]
    group = arena.team.group(owner, *members)
    headers = [browser(arena, person) for person in members]
    listeners = [
        arena.listen(person, group, headers=sent if way in BROWSERS else None)
        for person, sent, way in zip(members, headers, (*BROWSERS, *SCRIPTS), strict=True)
    ]
    sender = arena.sender(owner, group)
    before = sender.send()
    until(lambda: all(before in listener.shown for listener in listeners), "the premise")
    for way, person, sent in zip((*BROWSERS, *SCRIPTS), members, headers, strict=True):
        way(arena, person, sent)
    for listener, way in zip(listeners, (*BROWSERS, *SCRIPTS), strict=True):
        until(lambda listener=listener: listener.refusals[401], way.__name__)  # type: ignore[misc]
    sender.send()
    arena.listeners = [arena.listen(owner, group)]
    assert arena.verdict().is_clean
    assert [list(listener.shown) for listener in listeners] == [[before]] * len(listeners)
    assert all(listener.told == {"reconnect:revoked": 1} for listener in listeners)
    for listener in listeners:
        listener.stop()


def remove_by_http(arena: Arena, owner: Person, group: str, person: Person) -> None:
    path = f"/api/groups/{group}/members/{person.id}"
    assert http.call(arena.port, "DELETE", path, owner.token).status == 204


def leave_by_http(arena: Arena, owner: Person, group: str, person: Person) -> None:
    remove_by_http(arena, person, group, person)


def leave_beside(arena: Arena, owner: Person, group: str, person: Person) -> None:
    with arena.app.app_context():
        groups.leave(person.identity, group)


@pytest.mark.parametrize("way", [remove_by_http, leave_by_http, leave_beside])
def test_who_is_removed_in_a_storm_hears_nothing_committed_later(
    arena: Arena, way: Callable[[Arena, Person, str, Person], None]
) -> None:
    owner, person = arena.person(), arena.person()
    group = arena.team.group(owner, person)
    listener = arena.listen(person)
    arena.listen(owner, group)
    sender = arena.sender(owner, group).start()
    until(lambda: len(listener.shown) > 5, "the premise: it hears the storm")
    way(arena, owner, group, person)
    arena.until_acknowledged(20)
    arena.listeners.remove(listener)
    assert arena.verdict().is_clean
    connection = db_rows(arena, group)
    last = next(
        position
        for position, type_, user in connection
        if (type_, user) == ("conversation:left", person.id)
    )
    until(lambda: int(listener.cursor.partition("-")[2]) >= last, "being told of it")
    heard = list(listener.shown)
    listener.stop()
    due = [subject for position, type_, subject in messages(arena, group) if position < last]
    assert heard == due[-len(heard) :]
    assert len(sender.acknowledged) > len(heard)


def db_rows(arena: Arena, group: str) -> list[tuple[int, str, str]]:
    return _rows(arena, "SELECT position, type, user_id FROM events WHERE subject_id = ?", group)


def messages(arena: Arena, group: str) -> list[tuple[int, str, str]]:
    query = "SELECT position, content, id FROM messages WHERE conversation_id = ? ORDER BY position"
    return _rows(arena, query, group)


def _rows(arena: Arena, query: str, value: str) -> list[tuple[int, str, str]]:
    with arena.app.app_context():
        rows = db.session.connection().exec_driver_sql(query, (value,)).fetchall()
        return [(row[0], row[1], row[2]) for row in rows]
