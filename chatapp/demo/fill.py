"""Writing the demo's conversations, with their log, as if they had happened."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from chatapp import text
from chatapp.demo.people import TEAM
from chatapp.demo.script import Line, Scene
from chatapp.domain import log
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Conversation, Event, LogHead, Membership, Message, User, new_id, now

Row = dict[str, Any]
#: How long before its first message a conversation was made.
BEFORE = timedelta(minutes=10)


@dataclass(slots=True)
class Happening:
    """Something that goes into the log: its moment, its event, and what it is about."""

    at: datetime
    event: Row
    message: Row | None = None


def write(scenes: list[Scene], password_hashes: dict[str, str]) -> None:
    """Write the team and its conversations in one transaction, ending now."""
    moment = now()
    users = _users(password_hashes, moment)
    ids = {row["name"]: row["id"] for row in users}
    conversations = [(scene, _conversation(scene, ids, moment)) for scene in scenes]
    happenings = [
        happening
        for scene, row in conversations
        for happening in _happenings(scene, row, ids, moment)
    ]
    # Rendered and sorted before the transaction, which must be short beside a live server.
    happenings.sort(key=lambda happening: happening.at)
    with transaction():
        messages = _number(happenings)
        members = [m for scene, row in conversations for m in _members(scene, row, ids, messages)]
        for table, rows in (
            (User, users),
            (Conversation, [row for _, row in conversations]),
            (Membership, members),
            (Message, messages),
            (Event, [happening.event for happening in happenings]),
        ):
            db.session.execute(insert(table), rows)
        db.session.info["appended"] = True


def _users(password_hashes: dict[str, str], moment: datetime) -> list[Row]:
    return [
        {
            "id": new_id("user"),
            "name": person.name,
            "display_name": person.display_name,
            "password_hash": password_hashes.get(person.name),
            "is_admin": person.is_admin,
            "created_at": moment - timedelta(days=400 - index),
        }
        for index, person in enumerate(TEAM)
    ]


def _conversation(scene: Scene, ids: dict[str, str], moment: datetime) -> Row:
    people = "\n".join(sorted(ids[name] for name in scene.members))
    return {
        "id": new_id(scene.kind),
        "kind": scene.kind,
        "dm_key": hashlib.sha256(people.encode()).hexdigest() if scene.kind == "dm" else None,
        "name": scene.name,
        "topic": scene.topic,
        "private": scene.private,
        "owner_id": ids[scene.owner] if scene.owner else None,
        "created_at": moment - scene.lines[0].ago - BEFORE,
        "archived_at": moment - scene.lines[-1].ago + BEFORE if scene.archived else None,
    }


def _happenings(scene: Scene, row: Row, ids: dict[str, str], moment: datetime) -> list[Happening]:
    """Return what the log holds of a conversation: who came in, what was said, how it ended."""
    joined = [
        Happening(
            row["created_at"],
            _event(row, "conversation:joined", row["id"], ids[name], recipient_id=ids[name]),
        )
        for name in scene.members
    ]
    said = [_said(line, row, ids[line.author], moment) for line in scene.lines]
    if not scene.archived:
        return joined + said
    ended = _event(row, "conversation:updated", row["id"], row["owner_id"])
    return [*joined, *said, Happening(row["archived_at"], ended)]


def _said(line: Line, conversation: Row, author_id: str, moment: datetime) -> Happening:
    at = moment - line.ago
    message = {
        "id": new_id("msg"),
        "conversation_id": conversation["id"],
        "author_id": author_id,
        "content": line.text,
        "html": text.render(line.text),
        "html_version": text.RENDERER_VERSION,
        "created_at": at,
        "edited_at": at + timedelta(minutes=2) if line.edited else None,
    }
    event = _event(conversation, "message:created", message["id"], author_id)
    return Happening(at, event, message)


def _event(
    conversation: Row, type_: str, subject_id: str, user_id: str, recipient_id: str | None = None
) -> Row:
    return {
        "channel": f"{conversation['kind']}:{conversation['id']}",
        "type": type_,
        "subject_id": subject_id,
        "user_id": user_id,
        "recipient_id": recipient_id,
    }


def _number(happenings: list[Happening]) -> list[Row]:
    """Take as many positions from the log as things happened; returns the messages, numbered."""
    first = log.head().position + 1
    for position, happening in enumerate(happenings, first):
        happening.event |= {"position": position, "created_at": happening.at}
        if happening.message is not None:
            happening.message["position"] = position
    db.session.execute(update(LogHead).values(position=first + len(happenings) - 1))
    return [happening.message for happening in happenings if happening.message is not None]


def _members(scene: Scene, row: Row, ids: dict[str, str], messages: list[Row]) -> list[Row]:
    positions = [m["position"] for m in messages if m["conversation_id"] == row["id"]]
    return [
        {
            "conversation_id": row["id"],
            "user_id": ids[name],
            "read_position": positions[-1 - scene.unread.get(name, 0)],
            "joined_at": row["created_at"],
        }
        for name in scene.members
    ]
