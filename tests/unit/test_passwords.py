from __future__ import annotations

import statistics
import time
import unicodedata

import gevent
import pytest
from flask import Flask
from sqlalchemy import text

from chatapp.domain import accounts, passwords
from chatapp.domain.errors import Invalid
from chatapp.extensions import db


def test_a_password_matches_its_own_hash_alone() -> None:
    stored = passwords.hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.verify_password(stored, "correct horse")
    assert not passwords.verify_password(stored, "correct horsE")


def test_composed_and_decomposed_letters_are_the_same_password() -> None:
    assert passwords.verify_password(
        passwords.hash_password("Zürich-caf\u00e9"), "Zürich-cafe\u0301"
    )


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=1"])
def test_nothing_matches_without_a_hash(stored: str | None) -> None:
    assert not passwords.verify_password(stored, "anything at all")


def test_no_hash_and_a_wrong_password_take_equally_long() -> None:
    stored = passwords.hash_password("correct horse")

    def cost(of: str | None) -> float:
        times = []
        for _ in range(5):
            begin = time.thread_time()
            passwords._matches(of or passwords._decoy(), b"wrong horse")
            times.append(time.thread_time() - begin)
        return statistics.median(times)

    assert passwords._decoy().rpartition("$")[0].count("$") == stored.rpartition("$")[0].count("$")
    assert len(passwords._decoy()) == len(stored)
    assert not passwords.needs_rehash(passwords._decoy())
    assert 0.5 < cost(None) / cost(stored) < 2


def test_who_does_not_exist_costs_a_hash_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def matches(stored: str, _password: bytes) -> bool:
        hashed.append(stored)
        return True

    monkeypatch.setattr(passwords, "_matches", matches)
    assert not passwords.verify_password(None, "anything at all")
    assert hashed == [passwords._decoy()]


def test_a_password_longer_than_the_longest_matches_none() -> None:
    stored = passwords.hash_password("x" * passwords.MOST)
    assert not passwords.verify_password(stored, "x" * (passwords.MOST + 1))


def test_of_what_is_typed_no_more_is_looked_at_than_may_be_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths: list[int] = []
    normalize = unicodedata.normalize

    def measured(form: str, typed: str) -> str:
        lengths.append(len(typed))
        return normalize("NFC", typed)

    monkeypatch.setattr(unicodedata, "normalize", measured)
    passwords.verify_password(None, "a\u0301" * 10_000)
    accounts.normal_name("a\u0301" * 10_000)
    assert max(lengths) <= passwords.MOST_TYPED


def test_who_waits_for_a_hash_keeps_no_connection(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    def matches(_stored: str, _password: bytes) -> bool:
        held.append(pool.checkedout())  # type: ignore[attr-defined]
        return False

    monkeypatch.setattr(passwords, "_matches", matches)
    with app.app_context():
        pool = db.engine.pool
        db.session.execute(text("SELECT 1"))
        assert pool.checkedout() == 1  # type: ignore[attr-defined]
        passwords.verify_password(None, "anything at all")
    assert held == [0]


def test_others_run_while_a_password_is_hashed() -> None:
    turns = 0

    def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    other = gevent.spawn(turn)
    passwords.hash_password("correct horse")
    other.kill()
    assert turns > 1


def test_two_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    free = []
    monkeypatch.setattr(passwords, "_bytes", lambda text: text.encode())
    jobs = [gevent.spawn(passwords.hash_password, f"password {n}") for n in range(5)]
    while not all(job.ready() for job in jobs):
        free.append(passwords._slots.counter)
        gevent.sleep(0)
    assert min(free) == 0
    assert passwords._slots.counter == 2


@pytest.mark.parametrize(
    "password", ["short", "x" * 9, "x" * 201, "Mara Lindqvist", "MARA-LINDQVIST"]
)
def test_a_poor_password_is_refused_with_a_sentence(password: str) -> None:
    with pytest.raises(Invalid, match=r"^Choose a password") as refused:
        passwords.check_new(password, "mara-lindqvist", "Mara Lindqvist")
    assert refused.value.field == "password"


@pytest.mark.parametrize("password", ["x" * 10, "x" * 200, "пароль-пароль", "🔑" * 10])
def test_a_fair_password_is_taken(password: str) -> None:
    passwords.check_new(password, "mara", "Mara Lindqvist")


def test_broken_characters_are_no_fault_of_ours() -> None:
    assert not passwords.verify_password(None, "\ud800" * 12)
