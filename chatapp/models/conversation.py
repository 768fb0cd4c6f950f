"""Conversations (direct messages and groups) and who is in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.models.base import Base, now


class Conversation(Base):
    """A direct message or a group; ``kind`` is ``dm`` or ``group``, and so is its id's prefix."""

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5))
    #: A DM's members, sorted and hashed: the same people always get the same DM.
    dm_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    name: Mapped[str | None] = mapped_column(String(80))
    topic: Mapped[str] = mapped_column(String(250), default="")
    private: Mapped[bool] = mapped_column(default=True)
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    archived_at: Mapped[datetime | None]

    @property
    def channel(self) -> str:
        """The conversation's name on the stream, such as ``group:group_x7…``."""
        return f"{self.kind}:{self.id}"


class Membership(Base):
    """That a user may read and write in a conversation, and how far they have read.

    Leaving deletes the row: whoever has no row has no access, on any path.
    """

    __tablename__ = "memberships"
    __table_args__ = (Index(None, "user_id", "conversation_id"),)

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    #: The position of the last message that was read; what lies behind it is unread.
    read_position: Mapped[int] = mapped_column(BigInteger, default=0)
    joined_at: Mapped[datetime] = mapped_column(default=now)
