from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import gevent
import pytest
from flask import Flask
from sqlalchemy import func, select, update

from chatapp.domain import accounts, invites, passwords, resets, sessions, setup
from chatapp.domain.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Invite, User, now
from tests.support.team import Team

PASSWORD = "four plain words here"


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in no time, but still with a switch to other greenlets, which is what races need."""

    def hashed(password: str) -> str:
        gevent.sleep(0)
        return f"hash of {password}"

    monkeypatch.setattr(passwords, "hash_password", hashed)


@pytest.fixture
def boss(team: Team) -> Identity:
    return team.person("boss", admin=True).identity


def expire() -> None:
    with transaction():
        db.session.execute(update(Invite).values(expires_at=now() - timedelta(seconds=1)))


def at_once(app: Flask, verb: Callable[[str], User]) -> list[User | DomainError]:
    """Call ``verb`` for twenty people in parallel; returns what each got."""

    def one(name: str) -> User | DomainError:
        with app.app_context():
            try:
                return verb(name)
            except DomainError as error:
                return error

    jobs = [gevent.spawn(one, f"person{n}") for n in range(20)]
    gevent.joinall(jobs, raise_error=True)
    return [job.get() for job in jobs]


def test_an_invite_lets_one_person_in(boss: Identity) -> None:
    secret = invites.create(boss, label="For Mara")
    assert [link.label for link in invites.listing(boss)] == ["For Mara"]
    user = invites.accept(secret, "mara", "Mara", PASSWORD)
    assert not user.is_admin
    assert invites.listing(boss) == []
    with pytest.raises(Gone):
        invites.accept(secret, "nils", "Nils", PASSWORD)
    with pytest.raises(Gone):
        invites.find(secret)


def test_what_is_refused_uses_nothing_up(boss: Identity) -> None:
    secret = invites.create(boss)
    for name, password in (("boss", PASSWORD), ("!", PASSWORD), ("mara", "short")):
        with pytest.raises(Invalid):
            invites.accept(secret, name, "Mara", password)
    invites.accept(secret, "mara", "Mara", PASSWORD)


@pytest.mark.usefixtures("_quick")
def test_a_single_use_invite_used_twenty_times_at_once_lets_one_in(
    app: Flask, boss: Identity
) -> None:
    secret = invites.create(boss)
    got = at_once(app, lambda name: invites.accept(secret, name, name, PASSWORD))
    assert sum(isinstance(one, User) for one in got) == 1
    assert sum(isinstance(one, Gone) for one in got) == 19
    assert db.session.scalar(select(func.count()).select_from(User)) == 2


@pytest.mark.usefixtures("_quick")
def test_an_invite_for_many_lets_many_in(app: Flask, boss: Identity) -> None:
    secret = invites.create(boss, single_use=False, expires_in=None)
    got = at_once(app, lambda name: invites.accept(secret, name, name, PASSWORD))
    assert all(isinstance(one, User) for one in got)
    assert len(invites.listing(boss)) == 1


def test_an_expired_or_revoked_invite_is_gone(boss: Identity) -> None:
    expired, revoked = invites.create(boss), invites.create(boss)
    invites.revoke(boss, invites.find(revoked).id)
    with pytest.raises(Gone):
        invites.accept(revoked, "mara", "Mara", PASSWORD)
    expire()
    with pytest.raises(Gone):
        invites.accept(expired, "mara", "Mara", PASSWORD)


def test_an_unknown_link_is_not_found(boss: Identity) -> None:
    reset = resets.create(boss, boss.user_id)
    for secret in ("", "x", "\ud800", "a" * 5000, reset):
        with pytest.raises(NotFound):
            invites.accept(secret, "mara", "Mara", PASSWORD)


def test_only_administrators_invite(team: Team, boss: Identity) -> None:
    member = team.person("member").identity
    link = invites.find(invites.create(boss)).id
    with pytest.raises(Forbidden):
        invites.create(member)
    with pytest.raises(Forbidden):
        invites.listing(member)
    with pytest.raises(Forbidden):
        invites.revoke(member, link)
    with pytest.raises(Forbidden):
        resets.create(member, boss.user_id)


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_an_invite_lasts_a_year_at_most(boss: Identity, days: int) -> None:
    with pytest.raises(Invalid):
        invites.create(boss, expires_in=timedelta(days=days))


def test_a_reset_link_gives_a_new_password_once(boss: Identity) -> None:
    user = accounts.create("mara", "Mara", PASSWORD)
    session, _ = sessions.sign_in("mara", PASSWORD)
    earlier, secret = (resets.create(boss, user.id) for _ in range(2))
    with pytest.raises(Gone):
        resets.find(earlier)
    with pytest.raises(Invalid):
        resets.reset(secret, "mara")
    resets.reset(secret, "five even plainer words")
    assert sessions.find(session) is None
    sessions.sign_in("mara", "five even plainer words")
    with pytest.raises(Gone):
        resets.reset(secret, PASSWORD)


def test_a_reset_link_ends_with_a_day_a_new_password_and_a_deactivation(boss: Identity) -> None:
    user = accounts.create("mara", "Mara", PASSWORD)
    first = resets.create(boss, user.id)
    expire()
    with pytest.raises(Gone):
        resets.reset(first, PASSWORD)
    second = resets.create(boss, user.id)
    accounts.replace_password(boss, user.id, "five even plainer words")
    with pytest.raises(Gone):
        resets.reset(second, PASSWORD)
    third = resets.create(boss, user.id)
    accounts.deactivate(boss, user.id)
    with pytest.raises(Gone):
        resets.reset(third, PASSWORD)
    with pytest.raises(Conflict):
        resets.create(boss, user.id)


@pytest.mark.usefixtures("_quick")
def test_a_set_up_used_twenty_times_at_once_makes_one_administrator(app: Flask) -> None:
    secret = setup.ensure_setup_token()
    assert secret
    got = at_once(app, lambda name: setup.complete(secret, name, name, PASSWORD))
    assert sum(isinstance(one, User) for one in got) == 1
    assert sum(isinstance(one, NotFound) for one in got) == 19
    assert [user.is_admin for user in db.session.scalars(select(User))] == [True]
    assert setup.ensure_setup_token() is None
    with pytest.raises(NotFound):
        setup.find(secret)


def test_only_the_newest_set_up_link_works() -> None:
    old, new = setup.ensure_setup_token(), setup.ensure_setup_token()
    assert old
    assert new
    with pytest.raises(NotFound):
        setup.complete(old, "mara", "Mara", PASSWORD)
    assert setup.complete(new, "mara", "Mara", PASSWORD).is_admin


def test_a_set_up_link_is_no_invite(boss: Identity) -> None:
    assert setup.ensure_setup_token() is None
    secret = invites.create(boss)
    with pytest.raises(NotFound):
        setup.complete(secret, "mara", "Mara", PASSWORD)


def test_a_set_up_link_is_not_revoked_as_an_invite(team: Team) -> None:
    secret = setup.ensure_setup_token()
    assert secret
    link = setup.find(secret)
    with pytest.raises(NotFound):
        invites.revoke(team.person("boss", admin=True).identity, link.id)


def during_the_hashing(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen between the look at a link and its use."""

    def hashed(password: str) -> str:
        happens()
        return f"hash of {password}"

    monkeypatch.setattr(passwords, "hash_password", hashed)


def test_an_invite_that_is_revoked_meanwhile_lets_nobody_in(
    boss: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = invites.create(boss)
    link = invites.find(secret)
    during_the_hashing(monkeypatch, lambda: invites.revoke(boss, link.id))
    with pytest.raises(Gone):
        invites.accept(secret, "mara", "Mara", PASSWORD)
    assert db.session.scalars(select(User.name)).all() == ["boss"]


def test_a_set_up_makes_nobody_administrator_beside_one_that_came_meanwhile(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = setup.ensure_setup_token()
    assert secret
    during_the_hashing(monkeypatch, lambda: team.person("boss", admin=True))
    with pytest.raises(NotFound):
        setup.complete(secret, "mara", "Mara", PASSWORD)
    assert db.session.scalars(select(User.name)).all() == ["boss"]
