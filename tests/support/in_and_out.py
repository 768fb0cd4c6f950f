"""Joining and leaving, so quickly that nobody has read of either in between."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from chatapp.domain import membership
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Conversation
from tests.support.team import Person


def at_once(app: Flask, group: str, person: Person, steps: Sequence[str]) -> None:
    """Let somebody in and out of a group, all in one commit."""
    with app.app_context(), transaction():
        conversation = db.session.get_one(Conversation, group)
        for step in steps:
            if step == "in":
                membership.add(conversation, [person.id], announce=True)
            else:
                membership.remove(conversation, person.id)
