"""Writers of the log that dawdle and change their mind, and a reader of it."""

from __future__ import annotations

import random
import threading

from flask import Flask
from sqlalchemy import text

from chatapp.domain import log
from chatapp.domain.transaction import transaction
from chatapp.extensions import db

WRITERS = 16


EACH = 40


class RolledBack(Exception):
    """A writer changed its mind."""


class Reader(threading.Thread):
    """Reads the log by position, as a follower does."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app
        self.finish = threading.Event()
        self.seen: list[str | None] = []
        self.positions: list[int] = []

    def run(self) -> None:
        last_round = False
        while not last_round:
            last_round = self.finish.is_set()
            with self._app.app_context():
                rows = log.after(self.positions[-1] if self.positions else 0, 10_000)
            self.seen += [row.subject_id for row in rows]
            self.positions += [row.position for row in rows]


def write(app: Flask, writer: int) -> list[str]:
    """Append EACH times; return what was committed."""
    dice = random.Random(writer)
    committed = []
    for number in range(EACH):
        name = f"{writer}-{number}"
        try:
            with app.app_context(), transaction():
                _maybe_dawdle(dice)
                log.append("message:created", "dm:x", subject_id=name)
                _maybe_dawdle(dice)
                _maybe_change_mind(dice)
            committed.append(name)
        except RolledBack:
            pass
    return committed


def _maybe_change_mind(dice: random.Random) -> None:
    if dice.random() < 0.2:
        raise RolledBack


def _maybe_dawdle(dice: random.Random) -> None:
    if dice.random() < 0.2:
        db.session.execute(text("SELECT pg_sleep(:for)"), {"for": dice.random() * 0.01})
