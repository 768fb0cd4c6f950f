"""A lively team to look at: `flask demo` fills an empty chat with it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sqlalchemy import func, select

from chatapp.demo import script
from chatapp.demo.fill import write
from chatapp.demo.people import GUESTS
from chatapp.domain import passwords
from chatapp.domain.errors import Conflict
from chatapp.extensions import db
from chatapp.models import User

#: Where the sign-ins are kept, in the data folder, to be printed again.
FILE = "demo-sign-ins"


def fill(data_dir: Path) -> str:
    """Fill an empty chat with the demo team; returns what to tell: two sign-ins to try.

    Where the team is there already, nothing is written.

    Raises:
        Conflict: there are other people in it.
    """
    file = data_dir / FILE
    if _is_there(file):
        return _told("The demo team is here already.", file)
    if db.session.scalar(select(User.id).limit(1)) is not None:
        raise Conflict(
            "There are accounts already, and the demo wants an empty chat: "
            "set CHAT_DATA_DIR to a new folder."
        )
    scenes = script.scenes()
    chosen = {name: _password() for name in GUESTS}
    hashes = {name: passwords.hash_password(word) for name, word in chosen.items()}
    _keep(file, chosen)
    write(scenes, hashes)
    count = sum(len(scene.lines) for scene in scenes)
    return _told(f"The demo team has moved in, with {count} messages.", file)


def _is_there(file: Path) -> bool:
    guests = select(func.count()).where(User.name.in_(GUESTS))
    return file.exists() and db.session.scalar(guests) == len(GUESTS)


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(4))


def _keep(file: Path, chosen: dict[str, str]) -> None:
    """Write the sign-ins for their owner's eyes alone."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as lines:
        lines.writelines(f"{name} {password}\n" for name, password in chosen.items())


def _told(first: str, file: Path) -> str:
    pairs = (line.split() for line in file.read_text().splitlines())
    sign_ins = "\n".join(f"  name {name}, password {password}" for name, password in pairs)
    return f"{first} Sign in as these two, in two browsers:\n\n{sign_ins}\n"
