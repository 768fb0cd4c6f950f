"""Messages."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.models.base import Base, new_id, now
from chatapp.models.user import User


class Message(Base):
    """What somebody said.

    ``position`` is the log position of its creation, so a conversation's pages and its stream
    agree on the order. A deleted message stays as an empty row, an anchor for paging and for
    retries: its text is gone.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "conversation_id", "position"),
        Index(None, "author_id", "client_id", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("msg"))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    position: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str] = mapped_column(Text)
    #: ``content`` rendered by version ``html_version`` of chatapp.text.
    html: Mapped[str] = mapped_column(Text)
    html_version: Mapped[int]
    #: The sender's own name for this send, which makes a retry safe.
    client_id: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=now)
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class MessageRow(NamedTuple):
    """A message as everybody sees it, with its author's name: what pages and streams show."""

    id: str
    conversation_id: str
    author_id: str
    position: int
    content: str
    html: str
    html_version: int
    client_id: str | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    author_name: str
    author_display_name: str


messages = Base.metadata.tables[Message.__tablename__]
_authors = Base.metadata.tables[User.__tablename__]

#: All that MessageRow shows. Of tables, not of mapped classes: running it costs half as much, and
#: building 50 rows a third.
MESSAGE_ROWS = select(
    messages.c.id,
    messages.c.conversation_id,
    messages.c.author_id,
    messages.c.position,
    messages.c.content,
    messages.c.html,
    messages.c.html_version,
    messages.c.client_id,
    messages.c.created_at,
    messages.c.edited_at,
    messages.c.deleted_at,
    _authors.c.name,
    _authors.c.display_name,
).join(_authors, _authors.c.id == messages.c.author_id)
