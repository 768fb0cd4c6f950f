"""Accounts: making them, their names and passwords, and what an administrator does to them."""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from chatapp.domain import log, passwords, revocation
from chatapp.domain.errors import Conflict, Forbidden, Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User, now
from chatapp.text import clean_line

DISPLAY_NAME_MOST = 80
#: Characters of a typed name that are looked at.
NAME_CUT = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


def create(name: str, display_name: str, password: str, is_admin: bool = False) -> User:
    """Make an account; without a ``display_name`` the person is shown by name.

    Raises:
        Invalid: on ``name`` (also where it is taken), ``displayName`` or ``password``.
    """
    user = draft(name, display_name, password, is_admin)
    with transaction():
        add(user)
    return user


def draft(name: str, display_name: str, password: str, is_admin: bool = False) -> User:
    """Check what a new account is made of and hash its password; nothing is written yet.

    The slow half of making an account, done before the transaction that adds it.
    """
    name = checked_name(name)
    display_name = checked_display_name(display_name or name)
    passwords.check_new(password, name, display_name)
    password_hash = passwords.hash_password(password)
    return User(
        name=name, display_name=display_name, password_hash=password_hash, is_admin=is_admin
    )


def add(user: User) -> None:
    """Write a drafted account, inside a transaction."""
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:
        raise Invalid("name", f"The name {user.name} is taken. Choose another.") from None
    log.append("user:updated", log.TEAM, subject_id=user.id, user_id=user.id)


def normal_name(text: str) -> str:
    """Return the name that is meant by what somebody typed.

    Of what no name can be, only the beginning: NFC takes quadratic time for some texts, 31 s for
    400,000 combining marks, and nobody need sign in to send them.
    """
    return unicodedata.normalize("NFC", text.strip()[:NAME_CUT]).lower()


def checked_name(text: str) -> str:
    """Return the name to sign in with, in its stored form, or raise Invalid."""
    name = normal_name(text)
    if not _NAME.fullmatch(name):
        raise Invalid(
            "name",
            "A name has 2 to 40 characters: the letters a to z, digits, dots, dashes and "
            "underscores. It begins with a letter or a digit.",
        )
    return name


def checked_display_name(text: str) -> str:
    """Return the name that others see, in its stored form, or raise Invalid."""
    try:
        return clean_line(text, most=DISPLAY_NAME_MOST)
    except ValueError as error:
        raise Invalid("displayName", str(error)) from None


def change_display_name(me: Identity, display_name: str) -> User:
    """Change the name that others see of ``me``; the same name again tells nobody."""
    display_name = checked_display_name(display_name)
    with transaction():
        user = get(me.user_id, lock=True)
        if user.display_name != display_name:
            user.display_name = display_name
            _log_update(user)
    return user


def change_password(me: Identity, old: str, new: str) -> None:
    """Give ``me`` a new password and end every session of theirs but the one that asks.

    Raises:
        Invalid: on ``oldPassword`` where it is wrong, on ``password`` where the new one is.
    """
    user = get(me.user_id)
    before = user.password_hash
    passwords.check_new(new, user.name, user.display_name)
    if not passwords.verify_password(before, old):
        raise Invalid("oldPassword", "That is not your present password.")
    set_password(user.id, before, passwords.hash_password(new), keep=me.credential_id)


def replace_password(me: Identity, user_id: str, new: str) -> None:
    """Give somebody a new password as an administrator; ends all of their sessions."""
    require_admin(me)
    user = get(user_id)
    before = user.password_hash
    passwords.check_new(new, user.name, user.display_name)
    set_password(user.id, before, passwords.hash_password(new))


def set_password(user_id: str, before: str | None, after: str, keep: str | None = None) -> None:
    """Store the hash ``after`` if it still replaces ``before``; ends sessions and reset links.

    Raises:
        Conflict: somebody changed the password since ``before`` was read.
    """
    unchanged = User.password_hash.is_(None) if before is None else User.password_hash == before
    with transaction():
        change = update(User).where(User.id == user_id, unchanged).values(password_hash=after)
        if db.session.scalar(change.returning(User.id)) is None:
            raise Conflict("The password was changed in the meantime. Try again.")
        revocation.end_reset_links(user_id)
        revocation.end_sessions(user_id, keep=keep)


def deactivate(me: Identity, user_id: str) -> User:
    """Shut somebody out: no sign-in, every session, token and link of theirs ends now.

    Raises:
        Forbidden: ``me`` is no administrator.
        Conflict: it is the last active administrator.
    """
    require_admin(me)
    with transaction():
        _keep_an_admin(user_id)
        user = get(user_id, lock=True)
        if user.is_active:
            user.deactivated_at = now()
            db.session.flush()
            revocation.end_everything(user.id)
            _log_update(user)
    return user


def reactivate(me: Identity, user_id: str) -> User:
    """Let somebody in again, with the password that they had."""
    require_admin(me)
    with transaction():
        user = get(user_id, lock=True)
        if not user.is_active:
            user.deactivated_at = None
            _log_update(user)
    return user


def make_admin(me: Identity, user_id: str) -> User:
    """Make somebody an administrator."""
    require_admin(me)
    with transaction():
        user = get(user_id, lock=True)
        if not user.is_admin:
            user.is_admin = True
            _log_update(user)
    return user


def remove_admin(me: Identity, user_id: str) -> User:
    """Make an administrator an ordinary member, unless no other active one is left."""
    require_admin(me)
    with transaction():
        _keep_an_admin(user_id)
        user = get(user_id, lock=True)
        if user.is_admin:
            user.is_admin = False
            _log_update(user)
    return user


def get(user_id: str, *, lock: bool = False) -> User:
    """Return the account of this id, active or not, or raise NotFound.

    ``lock`` keeps others from changing it until the transaction ends.
    """
    # Not from referring to it: a post holds the log when its foreign key looks at its author.
    locked = {"key_share": True} if lock else None
    user = db.session.get(User, user_id, populate_existing=True, with_for_update=locked)
    if user is None:
        raise NotFound("There is nobody of that id.")
    return user


def by_name(name: str) -> User:
    """Return the account of this name, active or not, or raise NotFound."""
    user = db.session.scalar(select(User).where(User.name == normal_name(name)))
    if user is None:
        raise NotFound(f"There is nobody of the name {normal_name(name)}.")
    return user


def require_admin(me: Identity) -> None:
    """Raise Forbidden unless ``me`` is an administrator."""
    if not me.is_admin:
        raise Forbidden("Only an administrator may do this.")


def _keep_an_admin(user_id: str) -> None:
    """Refuse to take away the last active administrator.

    The rows are locked, and before any other, so two administrators who remove each other at once
    neither both succeed nor wait for each other.
    """
    query = select(User.id).where(User.is_admin, User.deactivated_at.is_(None))
    admins = db.session.scalars(query.order_by(User.id).with_for_update(key_share=True)).all()
    if list(admins) == [user_id]:
        raise Conflict("This is the last administrator. Make somebody else one first.")


def _log_update(user: User) -> None:
    db.session.flush()
    log.append("user:updated", log.TEAM, subject_id=user.id, user_id=user.id)
