from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from chatapp.domain import accounts, sessions, tokens
from chatapp.domain.errors import Conflict, Forbidden, Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Session, Token, now
from tests.support.statements import recorded, selects
from tests.support.team import Person, Team


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


PASSWORD = "four plain words here"
#: What may happen to an account while its owner's password is being hashed.
CHANGES: list[Callable[[Identity, str], object]] = [
    accounts.deactivate,
    lambda boss, id_: accounts.replace_password(boss, id_, "five even plainer words"),
]


@pytest.fixture
def mara(team: Team) -> Person:
    return team.person("mara")


def start(person: Person) -> str:
    return sessions.start(accounts.get(person.id), "Firefox")[0]


def age(by: timedelta) -> None:
    with transaction():
        db.session.execute(update(Session).values(last_seen_at=now() - by))


def test_a_secret_finds_its_person_in_one_select(app: Flask, mara: Person) -> None:
    secret = start(mara)
    with recorded(app) as statements:
        me = sessions.find(secret)
    assert me
    assert (me.user_id, me.name, me.display_name, me.is_admin) == (mara.id, "mara", "Mara", False)
    assert len(selects(statements)) == 1


def test_only_hashes_are_stored(mara: Person) -> None:
    secret = start(mara)
    stored = [
        *db.session.scalars(select(Session.secret_hash)),
        *db.session.scalars(select(Token.secret_hash)),
    ]
    assert secret not in stored
    assert mara.token not in stored
    assert all(len(text) == 64 for text in stored)


@pytest.mark.parametrize("secret", ["", "x", "chat_x", "\ud800", "é", "a" * 10_000])
def test_a_wrong_secret_finds_nobody(mara: Person, secret: str) -> None:
    start(mara)
    assert sessions.find(secret) is None
    assert tokens.find(secret) is None


def test_a_session_of_thirty_idle_days_is_over(mara: Person) -> None:
    secret = start(mara)
    age(timedelta(days=29))
    me = sessions.find(secret)
    assert me
    age(timedelta(days=30, minutes=1))
    assert sessions.find(secret) is None
    assert sessions.listing(me) == []


def test_the_last_use_is_noted_once_an_hour(mara: Person) -> None:
    secret = start(mara)
    age(timedelta(minutes=59))
    before = db.session.scalar(select(Session.last_seen_at))
    sessions.find(secret)
    assert db.session.scalar(select(Session.last_seen_at)) == before
    age(timedelta(minutes=61))
    sessions.find(secret)
    touched = db.session.scalar(select(Session.last_seen_at))
    assert touched
    assert before
    assert touched > before


def test_signing_out_ends_the_session_alone(mara: Person) -> None:
    here, there = start(mara), start(mara)
    me = sessions.find(here)
    assert me
    sessions.sign_out(me)
    sessions.sign_out(me)
    assert sessions.find(here) is None
    assert sessions.find(there)
    assert tokens.find(mara.token)


def test_the_others_are_signed_out(mara: Person, team: Team) -> None:
    stranger = start(team.person("stranger"))
    here, there = start(mara), start(mara)
    me = sessions.find(here)
    assert me
    assert sessions.revoke_others(me) == 1
    assert sessions.find(here)
    assert sessions.find(there) is None
    assert sessions.find(stranger)


def test_everywhere_is_here_too(mara: Person, team: Team) -> None:
    secret = start(mara)
    me = sessions.find(secret)
    assert me
    with pytest.raises(Forbidden):
        sessions.revoke_all_of(team.person("stranger").identity, mara.id)
    assert sessions.revoke_all_of(me, mara.id) == 1
    assert sessions.find(secret) is None


def test_one_ends_ones_own_sessions_alone(mara: Person, team: Team) -> None:
    start(mara)
    row = sessions.listing(mara.identity)[0]
    assert row.user_agent == "Firefox"
    with pytest.raises(NotFound):
        sessions.revoke(team.person("stranger").identity, row.id)
    sessions.revoke(mara.identity, row.id)
    assert sessions.listing(mara.identity) == []


def test_who_has_no_password_cannot_sign_in(mara: Person) -> None:
    for name in ("mara", "nobody", "", "\0", "x" * 5000):
        with pytest.raises(Invalid, match="do not belong together"):
            sessions.sign_in(name, "")


@pytest.mark.parametrize("change", CHANGES)
def test_who_was_changed_while_signing_in_is_not_let_in(
    team: Team, monkeypatch: pytest.MonkeyPatch, change: Callable[[Identity, str], object]
) -> None:
    boss, user = team.person("boss", admin=True).identity, accounts.create("mara", "", PASSWORD)

    def change_meanwhile(_stored: str) -> bool:
        change(boss, user.id)
        return False

    monkeypatch.setattr("chatapp.domain.passwords.needs_rehash", change_meanwhile)
    with pytest.raises(Invalid, match="has just been changed"):
        sessions.sign_in("mara", PASSWORD)
    assert db.session.scalar(select(Session.id)) is None


def test_of_what_a_browser_says_that_it_is_the_beginning_is_kept(mara: Person) -> None:
    sessions.start(accounts.get(mara.id), "Firefox " * 100)
    [row] = sessions.listing(mara.identity)
    assert row.user_agent == ("Firefox " * 25).strip()


def test_who_is_deactivated_gets_no_token(team: Team, mara: Person) -> None:
    boss = team.person("boss", admin=True).identity
    accounts.deactivate(boss, mara.id)
    with pytest.raises(Conflict):
        tokens.create(boss, "mara")


def test_tokens_are_for_their_person_and_administrators(team: Team, mara: Person) -> None:
    boss, stranger = team.person("boss", admin=True), team.person("stranger")
    secret, token = tokens.create(mara.identity, "mara", "deploys")
    assert secret.startswith("chat_")
    found = tokens.find(secret)
    assert found
    assert (found.user_id, found.credential_id) == (mara.id, token.id)
    with pytest.raises(Forbidden):
        tokens.create(stranger.identity, "mara")
    with pytest.raises(Forbidden):
        tokens.listing(stranger.identity, "mara")
    with pytest.raises(NotFound):
        tokens.revoke(stranger.identity, token.id)
    assert "deploys" in [row.label for row in tokens.listing(boss.identity, "mara")]
    tokens.revoke(boss.identity, token.id)
    assert tokens.find(secret) is None
