"""The straightforward way with Flask-SQLAlchemy: what one writes first, and it is not wrong.

Durable as ours is (WAL, synchronous=FULL), access checked, with the index that the page needs.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Index, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


class Base(DeclarativeBase):
    """The models' base."""


app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ.get('BENCH_DATABASE', 'naive.db')}"
db = SQLAlchemy(app, model_class=Base)


class User(db.Model):  # type: ignore[name-defined, misc]
    """Somebody who writes."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(index=True)


class Member(db.Model):  # type: ignore[name-defined, misc]
    """Who may read and write in a conversation."""

    conversation_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)


class Message(db.Model):  # type: ignore[name-defined, misc]
    """What somebody wrote."""

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    content: Mapped[str]
    created_at: Mapped[datetime]
    user: Mapped[User] = relationship()
    __table_args__ = (Index("newest", "conversation_id", "created_at"),)


def _member_or_404(conversation_id: int) -> User:
    """Return who is calling, if a member."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    digest = hashlib.sha256(token.encode()).hexdigest()
    user: User = User.query.filter_by(token_hash=digest).first_or_404()
    Member.query.filter_by(conversation_id=conversation_id, user_id=user.id).first_or_404()
    return user


def _as_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "content": message.content,
        "conversationId": message.conversation_id,
        "createdAt": message.created_at.isoformat() + "Z",
        "author": {"id": message.user.id, "name": message.user.name},
    }


@app.post("/messages")
def post() -> ResponseReturnValue:
    """Keep a message."""
    body = request.get_json()
    if not isinstance(body.get("content"), str):
        abort(400)
    user = _member_or_404(body["conversationId"])
    message = Message(
        conversation_id=body["conversationId"],
        user_id=user.id,
        content=body["content"],
        created_at=datetime.now(UTC),
    )
    db.session.add(message)
    db.session.commit()
    return jsonify(_as_json(message)), 201


@app.get("/messages")
def page() -> ResponseReturnValue:
    """Return the newest fifty."""
    conversation_id = request.args.get("conversationId", type=int, default=0)
    _member_or_404(conversation_id)
    newest = (
        Message.query.filter_by(conversation_id=conversation_id)
        .order_by(Message.created_at.desc())
        .limit(50)
    )
    return jsonify([_as_json(message) for message in reversed(newest.all())])


@app.get("/alive")
def alive() -> ResponseReturnValue:
    """Say so."""
    return "", 204


MANY = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    "INSERT INTO message (conversation_id, user_id, content, created_at) "
    "SELECT 1, 1 + i % 20, 'The message ' || i || ' of this conversation, of a usual length.', "
    "strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + i, 'unixepoch') FROM n"
)


def _fill(messages: int) -> None:
    db.create_all()
    digest = hashlib.sha256(b"naive-token").hexdigest()
    for number in range(1, 21):
        name = f"user {number}"
        db.session.add(User(id=number, name=name, token_hash=digest if number == 1 else name))
        db.session.add(Member(conversation_id=1, user_id=number))
    db.session.flush()
    if messages:
        db.session.execute(MANY, {"count": messages})
    db.session.commit()


if "BENCH_DATABASE" in os.environ:
    with app.app_context():

        @event.listens_for(db.engine, "connect")
        def _durable(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

        _fill(int(os.environ["BENCH_MESSAGES"]))
