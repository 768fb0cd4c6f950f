"""Passwords: the rules for a new one, and argon2 off the event loop.

One hash keeps a core busy for some 45 ms; 20 of them inline stalled every stream for 5 s in a
trial. So they run in gevent's threadpool, two at a time, and never inside a transaction.
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Callable
from typing import TypeVar

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import has_app_context
from gevent.lock import BoundedSemaphore

from chatapp.domain.errors import Invalid
from chatapp.extensions import db

LEAST = 10
MOST = 200
#: Characters of a password as it is typed: NFC makes one of four at most, and may
#: take quadratic time.
MOST_TYPED = 4 * MOST

#: OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_slots = BoundedSemaphore(2)

Result = TypeVar("Result")


def check_new(password: str, *names: str) -> None:
    """Refuse a new password that is too short, too long, or one of its owner's ``names``.

    Raises:
        Invalid: on the field ``password``.
    """
    length = len(_normal(password)) if len(password) <= MOST_TYPED else MOST + 1
    if length < LEAST:
        raise Invalid("password", f"Choose a password of at least {LEAST} characters.")
    if length > MOST:
        raise Invalid("password", f"Choose a password of at most {MOST} characters.")
    if _normal(password).casefold() in {_normal(name).casefold() for name in names}:
        raise Invalid("password", "Choose a password that is not your name.")


def hash_password(password: str) -> str:
    """Return the argon2id hash of ``password``. Lets other greenlets run meanwhile."""
    return _in_thread(lambda: _hasher.hash(_bytes(password)))


def verify_password(stored: str | None, password: str) -> bool:
    """Tell whether ``password`` is the one behind the hash ``stored``.

    Without a hash (nobody of that name, or somebody who has no password) it works as long as
    with one and says no, so that the time of an answer does not tell which names exist.
    """
    matches = _in_thread(lambda: _matches(stored or _decoy(), _bytes(password)))
    return matches and stored is not None


def needs_rehash(stored: str) -> bool:
    """Tell whether ``stored`` was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _in_thread(work: Callable[[], Result]) -> Result:
    # Whoever waits here for a turn must not keep a connection from others: PostgreSQL has few.
    if has_app_context():
        db.session.close()
    with _slots:
        result: Result = gevent.get_hub().threadpool.apply(work)
    return result


def _matches(stored: str, password: bytes) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _decoy() -> str:
    """Return a hash of no known password, with today's parameters, for the cost of a string."""
    salt, digest = (b64encode(bytes(size)).decode().rstrip("=") for size in (16, 32))
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _normal(password: str) -> str:
    """One spelling for what keyboards compose differently (RFC 8265's OpaqueString)."""
    return unicodedata.normalize("NFC", password[:MOST_TYPED])


def _bytes(password: str) -> bytes:
    # Cut just behind the limit: a longer one is wrong anyway, and must not cost more.
    return _normal(password)[: MOST + 1].encode("utf-8", "surrogatepass")
