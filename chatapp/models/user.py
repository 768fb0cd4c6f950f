"""People, and the credentials that they sign in and call with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.models.base import Base, new_id, now

#: How many hues the avatars are drawn from (``docs``: LOOK, "one of a dozen hues").
HUES = 12


def hue_of(user_id: str) -> int:
    """Return an avatar's hue, 0 to 11, drawn from the id so that it never changes."""
    return sum(user_id.encode()) % HUES


def initials_of(display_name: str) -> str:
    """Return one or two letters for an avatar, ``?`` for a name without any."""
    words = display_name.split() or ["?"]
    return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()


class User(Base):
    """Somebody with an account. Never deleted, only deactivated: messages keep their author."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("user"))
    #: What one signs in with, lower case, unique.
    name: Mapped[str] = mapped_column(String(40), unique=True)
    display_name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    deactivated_at: Mapped[datetime | None]

    @property
    def is_active(self) -> bool:
        """Whether the person may sign in and be written to."""
        return self.deactivated_at is None

    @property
    def hue(self) -> int:
        """The avatar's hue (see :func:`hue_of`)."""
        return hue_of(self.id)

    @property
    def initials(self) -> str:
        """The avatar's letters (see :func:`initials_of`)."""
        return initials_of(self.display_name)


class Session(Base):
    """One signed-in browser. The cookie holds the secret, the row only its SHA-256."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("sess"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class Token(Base):
    """A bearer token of a script or bot; only its SHA-256 is kept."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("token"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class Invite(Base):
    """A link that lets somebody in: to join the team, to set it up, or to choose a new password.

    ``purpose`` is ``join``, ``setup`` or ``reset``; ``user_id`` is whose password a reset is for;
    ``uses_left`` is None for a link that may be used any number of times.
    """

    __tablename__ = "invites"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("invite"))
    purpose: Mapped[str] = mapped_column(String(10))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    label: Mapped[str] = mapped_column(String(80), default="")
    uses_left: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
