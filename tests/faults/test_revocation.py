"""Access is taken away while a stream is open: by every way there is, over HTTP or by a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chatapp.cli import OPERATOR
from chatapp.domain import accounts, groups, passwords, resets, sessions, tokens
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User
from tests.faults.browsers import browser, form
from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.server import ROOT
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery

PASSWORD = "a long enough passphrase"


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


def sign_out_one(arena: Arena, person: Person, headers: dict[str, str]) -> None:
    """Sign this browser out by name, in another one."""
    form(arena, f"/profile/sessions/{_session(arena, headers)}/revoke", browser(arena, person))


def reset_by_link(arena: Arena, person: Person, _: dict[str, str]) -> None:
    """Choose a new password by a link from an administrator, signed in nowhere."""
    with arena.app.app_context():
        link = resets.create(arena.admin.identity, person.id)
    form(arena, f"/reset/{link}", browser(arena, None), "password=another%20good%20passphrase")


def sign_out_beside(arena: Arena, person: Person, headers: dict[str, str]) -> None:
    with arena.app.app_context():
        ours = sessions.find(_secret(arena, headers))
        assert ours is not None
        sessions.sign_out(ours)


def _session(arena: Arena, headers: dict[str, str]) -> str:
    with arena.app.app_context():
        ours = sessions.find(_secret(arena, headers))
    assert ours is not None
    return ours.credential_id


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
    sign_out_one,
    change_password,
    reset_by_link,
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


@pytest.mark.parametrize("way", [sign_out, sign_out_one])
def test_one_browser_is_signed_out_and_the_others_stay(arena: Arena, way: Way) -> None:
    check_who_stays(arena, way, ends_other_browsers=False)


@pytest.mark.parametrize("way", [reset_by_link, replace_password, sign_out_elsewhere])
def test_all_browsers_are_signed_out_and_scripts_and_others_stay(arena: Arena, way: Way) -> None:
    check_who_stays(arena, way, ends_other_browsers=True)


def check_who_stays(arena: Arena, way: Way, *, ends_other_browsers: bool) -> None:
    """Have a person's streams by two browsers and a token, and another's; see which ones end."""
    ann, bob = arena.person(), arena.person()
    dm = arena.team.dm(ann, bob)
    ours, other = browser(arena, ann), browser(arena, ann)
    streams = [arena.listen(ann, dm, headers=headers) for headers in (ours, other, None)]
    streams.append(arena.listen(bob, dm))
    ended = streams[: 1 + ends_other_browsers]
    stay = streams[len(ended) :]
    sender = arena.sender(bob, dm)
    before = sender.send()
    until(lambda: all(before in one.shown for one in streams), "the premise")
    way(arena, ann, ours)
    until(lambda: all(one.refusals[401] for one in ended), "their end")
    after = sender.send()
    until(lambda: all(after in one.shown for one in stay), "what comes next")
    assert [list(one.shown) for one in ended] == [[before]] * len(ended)
    assert [one.told for one in ended] == [{"reconnect:revoked": 1}] * len(ended)
    assert [(one.connections, one.told) for one in stay] == [(1, {})] * len(stay)


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


def test_who_is_shut_out_while_they_read_too_slowly_is_handed_nothing_committed_later(
    arena: Arena,
) -> None:
    ann, bob = arena.person(), arena.person()
    group, dm = arena.team.group(ann, bob), arena.team.dm(ann, bob)
    listener = arena.listen(bob, group, dm, receive_buffer=4096)
    listener.pause()
    # All of it in one reading of the log. Of what the kernel and the queue do not take a part is
    # read again, but nothing of a group that he has left.
    with stopped(arena.worker):
        for _ in range(40):
            arena.team.post(ann, group, "word " * 1500)
        leave_beside(arena, ann, group, bob)
        revoke_token(arena, bob, {})
        arena.team.post(ann, dm, "committed later")
    until(lambda: arena.metric("chatapp_streams") == 0, "the end of the stream")
    listener.resume()
    until(lambda: listener.refusals[401], "the shut door")
    assert listener.shown
    assert "committed later" not in listener.shown.values()


@pytest.mark.parametrize("way", [revoke_token, deactivate_by_command])
def test_who_is_shut_out_in_the_middle_of_a_post_says_nothing_more(arena: Arena, way: Way) -> None:
    ann, bob = arena.person(), arena.person()
    dm = arena.team.dm(ann, bob)
    listener = arena.listen(bob, dm)
    body = {"directMessageId": dm, "content": "from outside"}
    post = http.request_bytes("POST", "/api/messages", bob.token, body)
    with http.connect(arena.port) as sock:
        sock.sendall(post[:-1])
        until(lambda: http.call(arena.port, "GET", "/healthz").status == 200, "a turn of the loop")
        way(arena, bob, {})
        until(lambda: listener.refusals[401], "the shut door")
        sock.sendall(post[-1:])
        assert http.read_head(sock)[0] == 401
    assert messages(arena, dm) == []


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Stop a process, as the system may."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def db_rows(arena: Arena, group: str) -> list[tuple[int, str, str]]:
    return _rows(arena, "SELECT position, type, user_id FROM events WHERE subject_id = ?", group)


def messages(arena: Arena, group: str) -> list[tuple[int, str, str]]:
    query = "SELECT position, content, id FROM messages WHERE conversation_id = ? ORDER BY position"
    return _rows(arena, query, group)


def _rows(arena: Arena, query: str, value: str) -> list[tuple[int, str, str]]:
    with arena.app.app_context():
        rows = db.session.connection().exec_driver_sql(query, (value,)).fetchall()
        return [(row[0], row[1], row[2]) for row in rows]
