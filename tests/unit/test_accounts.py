from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from chatapp.domain import accounts, invites, log, people, sessions, tokens
from chatapp.domain.errors import Conflict, Forbidden, Invalid, NotFound
from chatapp.extensions import db
from chatapp.models import Event, User
from tests.support.team import Team

PASSWORD = "four plain words here"


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def logged(after: int) -> list[tuple[str, str, str | None]]:
    """Return type, channel and subject of what was logged behind a position."""
    query = select(Event.type, Event.channel, Event.subject_id).where(Event.position > after)
    rows = db.session.execute(query.order_by(Event.position))
    return [(row.type, row.channel, row.subject_id) for row in rows]


def test_an_account_signs_in_by_its_name_in_any_case() -> None:
    user = accounts.create(" Mara ", "Mara Lindqvist", PASSWORD)
    assert (user.name, user.display_name, user.is_admin) == ("mara", "Mara Lindqvist", False)
    assert PASSWORD not in (user.password_hash or "")
    secret, _ = sessions.sign_in("MARA", PASSWORD)
    assert sessions.find(secret) is not None


def test_a_change_of_nothing_tells_nobody(team: Team) -> None:
    root, mara = team.person("root", admin=True), team.person("mara", display_name="Mara")
    accounts.make_admin(root.identity, mara.id)
    before = log.head().position
    accounts.change_display_name(mara.identity, " Mara ")
    accounts.make_admin(root.identity, mara.id)
    accounts.reactivate(root.identity, mara.id)
    assert log.head().position == before
    accounts.change_display_name(mara.identity, "Mara L.")
    assert logged(before) == [("user:updated", log.TEAM, mara.id)]


def test_a_new_account_is_told_to_the_team() -> None:
    user = accounts.create("mara", "", PASSWORD)
    assert user.display_name == "mara"
    assert logged(0) == [("user:updated", "team", user.id)]


@pytest.mark.parametrize(
    "name", ["", "m", "mara!", "ma ra", "-mara", ".", "x" * 41, "mära", "мара", "m\0ra", "ma\nra"]
)
def test_a_name_that_cannot_be_taken_is_refused_at_its_field(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.create(name, "Mara", PASSWORD)
    assert refused.value.field == "name"


@pytest.mark.parametrize("name", ["", "x" * 81, "\ud800", "a\0b", " \u200b "])
def test_a_display_name_is_visible_text(team: Team, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.change_display_name(team.person("mara").identity, name)
    assert refused.value.field == "displayName"


def test_a_display_name_cannot_turn_the_line_round(team: Team) -> None:
    user = accounts.change_display_name(team.person("mara").identity, "\u202eMara\nL.")
    assert user.display_name == "Mara L."


def test_a_name_is_given_once() -> None:
    accounts.create("mara", "Mara", PASSWORD)
    before = log.head().position
    with pytest.raises(Invalid, match="taken") as refused:
        accounts.create("Mara", "Another", PASSWORD)
    assert refused.value.field == "name"
    assert log.head().position == before


def test_a_changed_password_ends_every_other_session() -> None:
    accounts.create("mara", "Mara", PASSWORD)
    here, there = (sessions.sign_in("mara", PASSWORD)[0] for _ in range(2))
    me, other = sessions.find(here), sessions.find(there)
    assert me
    assert other
    before = log.head().position
    accounts.change_password(me, PASSWORD, "five even plainer words")
    assert sessions.find(here) == me
    assert sessions.find(there) is None
    assert logged(before) == [("session:revoked", "", other.credential_id)]
    with pytest.raises(Invalid):
        sessions.sign_in("mara", PASSWORD)
    sessions.sign_in("mara", "five even plainer words")


def test_the_present_password_must_be_right() -> None:
    accounts.create("mara", "Mara", PASSWORD)
    me = sessions.find(sessions.sign_in("mara", PASSWORD)[0])
    assert me
    with pytest.raises(Invalid) as refused:
        accounts.change_password(me, "not the password", "five even plainer words")
    assert refused.value.field == "oldPassword"
    with pytest.raises(Invalid) as refused:
        accounts.change_password(me, PASSWORD, "short")
    assert refused.value.field == "password"


def test_a_password_that_was_changed_meanwhile_is_not_overwritten() -> None:
    user = accounts.create("mara", "Mara", PASSWORD)
    with pytest.raises(Conflict):
        accounts.set_password(user.id, "another hash", "hash")
    assert sessions.sign_in("mara", PASSWORD)


def test_deactivation_ends_sessions_tokens_and_links(team: Team) -> None:
    boss, mara = team.person("boss", admin=True), team.person("mara", admin=True)
    session, row = sessions.start(accounts.get(mara.id))
    link = invites.create(mara.identity)
    before = log.head().position
    accounts.deactivate(boss.identity, mara.id)
    assert sessions.find(session) is None
    assert tokens.find(mara.token) is None
    with pytest.raises(Exception, match="revoked"):
        invites.find(link)
    types = logged(before)
    assert ("session:revoked", "", row.id) in types
    assert ("user:deactivated", "", mara.id) in types
    assert types[-1] == ("user:updated", "team", mara.id)
    assert sum(type_ == "session:revoked" for type_, *_ in types) == 2


def test_reactivation_revives_the_account_but_no_credential(team: Team) -> None:
    boss = team.person("boss", admin=True)
    user = accounts.create("mara", "Mara", PASSWORD)
    secret, _ = sessions.sign_in("mara", PASSWORD)
    accounts.deactivate(boss.identity, user.id)
    with pytest.raises(Invalid):
        sessions.sign_in("mara", PASSWORD)
    accounts.reactivate(boss.identity, user.id)
    assert sessions.find(secret) is None
    sessions.sign_in("mara", PASSWORD)


def test_the_last_active_administrator_stays(team: Team) -> None:
    boss, other = team.person("boss", admin=True), team.person("other", admin=True)
    me, third = boss.identity, team.person("third")
    accounts.deactivate(me, other.id)
    for verb in (accounts.remove_admin, accounts.deactivate):
        with pytest.raises(Conflict, match="last administrator"):
            verb(me, boss.id)
    accounts.make_admin(me, third.id)
    assert not accounts.remove_admin(me, boss.id).is_admin


def test_only_administrators_administer(team: Team) -> None:
    member, boss = team.person("member"), team.person("boss", admin=True)
    verbs = (accounts.deactivate, accounts.reactivate, accounts.make_admin, accounts.remove_admin)
    for verb in verbs:
        with pytest.raises(Forbidden):
            verb(member.identity, boss.id)
        with pytest.raises(NotFound):
            verb(boss.identity, "user_nobody")


def test_people_are_found_by_a_part_of_a_name_whatever_its_case_and_accents(team: Team) -> None:
    me = team.person("ann").identity
    team.person("sofia", display_name="Sofía Herrera")
    team.person("lukasz", display_name="Łukasz Żak")
    team.person("tofu", display_name="Isofix 100%")

    def found(query: str) -> list[str]:
        return [user.name for user in people.search(me, query)]

    assert found("SOF") == ["sofia", "tofu"]
    assert found("herr") == ["sofia"]
    assert found("zak") == found("ŁUK") == ["lukasz"]
    assert found("%") == ["tofu"]
    assert found("_") == []


def test_people_who_left_are_listed_but_not_found(team: Team) -> None:
    boss, mara = team.person("boss", admin=True), team.person("mara")
    accounts.deactivate(boss.identity, mara.id)
    assert people.search(boss.identity, "mara") == []
    assert [user.name for user in people.everybody(boss.identity)] == ["boss", "mara"]


def test_a_password_hashed_with_old_parameters_is_renewed_at_sign_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = accounts.create("mara", "Mara", PASSWORD)
    old = user.password_hash
    monkeypatch.setattr("chatapp.domain.passwords.needs_rehash", lambda _stored: True)
    sessions.sign_in("mara", PASSWORD)
    renewed = db.session.scalar(select(User.password_hash))
    assert renewed not in (old, None)
