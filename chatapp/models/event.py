"""The event log's tables; docs/DESIGN.md says why they look so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.models.base import Base, now


class Event(Base):
    """A change that somebody may see: references to what changed, never its text.

    ``recipient_id`` narrows it to one person's streams; ``subject_id`` and ``user_id`` say
    what and whom it is about, by type (see chatapp.domain.log).
    """

    __tablename__ = "events"
    __table_args__ = (Index(None, "channel", "position"), Index(None, "recipient_id", "position"))

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(50))
    type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str | None] = mapped_column(String(40))
    user_id: Mapped[str | None] = mapped_column(String(40))
    recipient_id: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)


class LogHead(Base):
    """The log's one counter row: the last position given, and the epoch it counts in.

    ``pruned_position`` is the newest position that the log no longer holds.
    """

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[str] = mapped_column(String(16))
    position: Mapped[int] = mapped_column(BigInteger)
    pruned_position: Mapped[int] = mapped_column(BigInteger, default=0)
