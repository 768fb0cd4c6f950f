"""Signed-in browsers: rows that can be revoked, found by a secret that only the cookie holds."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import DBAPIError

from chatapp.domain import accounts, passwords, revocation
from chatapp.domain.credentials import new_secret, owner_by_hash, secret_hash
from chatapp.domain.errors import Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.sqlite_writer import Busy, Undone
from chatapp.domain.statements import execute
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Session, User, now

#: A session that was not used for so long is over.
IDLE = timedelta(days=30)
#: How often the time of last use is written down: a commit for every request would be waste.
TOUCH_EVERY = timedelta(hours=1)

_last_seen = Session.__table__.c.last_seen_at
_find = owner_by_hash(Session).add_columns(_last_seen).where(_last_seen > bindparam("idle_since"))


def sign_in(name: str, password: str, user_agent: str = "") -> tuple[str, Session]:
    """Check a name and password and open a session; returns its secret, which is kept nowhere.

    Who calls it limits how often (see chatapp.throttle).

    Raises:
        Invalid: with one answer, after one amount of work, whether the name exists or not.
    """
    user = db.session.scalar(select(User).where(User.name == accounts.normal_name(name)))
    stored = user.password_hash if user and user.is_active else None
    if not passwords.verify_password(stored, password) or user is None or stored is None:
        raise Invalid("password", "This name and this password do not belong together.")
    renewed = passwords.hash_password(password) if passwords.needs_rehash(stored) else stored
    return _open(user.id, user_agent, stored, renewed)


def start(user: User, user_agent: str = "") -> tuple[str, Session]:
    """Open a session for somebody who has just proved who they are in another way."""
    return _open(user.id, user_agent, user.password_hash, user.password_hash)


def _open(user_id: str, agent: str, stored: str | None, renewed: str | None) -> tuple[str, Session]:
    secret = new_secret()
    session = Session(
        user_id=user_id, secret_hash=secret_hash(secret), user_agent=agent[:200].strip()
    )
    with transaction():
        # While the password was hashed somebody may have changed it or deactivated the account.
        same = User.password_hash.is_(None) if stored is None else User.password_hash == stored
        still = update(User).where(User.id == user_id, same, User.deactivated_at.is_(None))
        if db.session.scalar(still.values(password_hash=renewed).returning(User.id)) is None:
            raise Invalid("password", "This account has just been changed. Try again.")
        db.session.add(session)
    return secret, session


def find(secret: str) -> Identity | None:
    """Return who shows this secret, or None if it is unknown, revoked, idle, or theirs no more.

    One select: it runs on every request of a signed-in browser.
    """
    moment = now()
    key = {"hash": secret_hash(secret), "idle_since": moment - IDLE}
    rows = execute(_find, key)
    if not rows:
        return None
    *fields, last_seen_at = rows[0]
    me = Identity(*fields)
    if last_seen_at < moment - TOUCH_EVERY:
        # Where nothing can be written just now, one may still read; the next request notes it.
        with suppress(DBAPIError, sqlite3.Error, Busy, Undone):
            _touch(me.credential_id)
    return me


def _touch(session_id: str) -> None:
    with transaction():
        touch = update(Session).where(Session.id == session_id).values(last_seen_at=now())
        db.session.execute(touch)


def sign_out(me: Identity) -> None:
    """End the session that ``me`` is signed in with."""
    with transaction():
        session = db.session.get(Session, me.credential_id, populate_existing=True)
        if session is not None and session.revoked_at is None:
            revocation.end_session(session)


def revoke(me: Identity, session_id: str) -> None:
    """End one session of ``me``, on whatever machine it is."""
    with transaction():
        session = db.session.get(Session, session_id, populate_existing=True)
        if session is None or session.user_id != me.user_id:
            raise NotFound
        if session.revoked_at is None:
            revocation.end_session(session)


def revoke_others(me: Identity) -> int:
    """End every session of ``me`` but the present one; returns how many those were."""
    with transaction():
        accounts.get(me.user_id, lock=True)
        return revocation.end_sessions(me.user_id, keep=me.credential_id)


def revoke_all_of(me: Identity, user_id: str) -> int:
    """End every session of a person: one's own ("sign out everywhere"), or as administrator."""
    if me.user_id != user_id:
        accounts.require_admin(me)
    with transaction():
        accounts.get(user_id, lock=True)
        return revocation.end_sessions(user_id)


def listing(me: Identity) -> list[Session]:
    """Return the live sessions of ``me``, the one used last first."""
    live = select(Session).where(
        Session.user_id == me.user_id,
        Session.revoked_at.is_(None),
        Session.last_seen_at > now() - IDLE,
    )
    return list(db.session.scalars(live.order_by(Session.last_seen_at.desc())))
