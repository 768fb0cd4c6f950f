"""What a client has seen: the ``id:`` of its last event, ``<epoch>-<position>``."""

from __future__ import annotations

import re
from typing import NamedTuple

#: 18 digits stay below 2^63, the largest position that a database can hold.
_FORM = re.compile(r"([a-z0-9]{1,16})-([0-9]{1,18})", re.ASCII)


class Cursor(NamedTuple):
    """A position, and the epoch in which it means something."""

    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"


def parse(text: str) -> Cursor | None:
    """Return the cursor that ``text`` spells, None where it spells none."""
    match = _FORM.fullmatch(text)
    return Cursor(match[1], int(match[2])) if match else None
