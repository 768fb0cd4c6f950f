"""What is delivered, and what delivering it does to subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Grant(NamedTuple):
    """Before it is delivered, ``owner``'s streams gain its channel: if they follow, or named it."""

    owner: str


class Revoke(NamedTuple):
    """After the entry is delivered, ``owner``'s streams lose its channel."""

    owner: str


class Disconnect(NamedTuple):
    """``owner``'s streams end: all of them, or those opened with one ``credential``."""

    owner: str
    credential: str | None = None


Effect = Grant | Revoke | Disconnect


@dataclass(frozen=True, slots=True)
class Entry:
    """One position of the log, ready to be delivered.

    ``frame`` is None where there is nothing to show; ``recipient`` narrows it to one owner's
    streams. The frame is encoded once, for however many subscribers.
    """

    position: int
    channel: str
    frame: bytes | None
    recipient: str | None = None
    effect: Effect | None = None
