"""Reading the demo's conversations from the text files beside it.

A conversation begins with ``= group Name`` or ``= dm name name``, then facts (``topic``, ``owner``,
``members``, ``unread name count``, ``private``, ``archived``), then days (``@ 3 days ago``) of
messages (``09:30 name: text``), whose text goes on until the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from itertools import pairwise

from chatapp.demo.people import TEAM
from chatapp.text import clean_text

#: The time of day at which the last day's story stands when the demo is filled.
CURTAIN = timedelta(hours=17, minutes=30)
_HEAD = re.compile(r"= (group|dm) (.+)")
_DAY = re.compile(r"@ (?:(\d+) days? ago|(yesterday)|today)")
_LINE = re.compile(r"(\d\d):(\d\d) ([a-z]+)( edited)?: (.*)")


@dataclass(slots=True)
class Line:
    """One message; ``ago`` is how long before now it was sent."""

    author: str
    ago: timedelta
    text: str
    edited: bool = False


@dataclass(slots=True)
class Scene:
    """One conversation."""

    kind: str
    name: str | None
    members: list[str]
    topic: str = ""
    owner: str | None = None
    private: bool = False
    archived: bool = False
    #: How many messages at the end somebody has not read; the others have read all.
    unread: dict[str, int] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)


def scenes() -> list[Scene]:
    """Return every conversation of the demo."""
    folder = files("chatapp.demo") / "conversations"
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".txt")]
    return [scene for text in sorted(texts) for scene in parse(text)]


def parse(text: str) -> Iterator[Scene]:
    """Yield the conversations that are written in ``text``."""
    for part in re.split(r"^(?== (?:group|dm) )", text, flags=re.MULTILINE)[1:]:
        head, *days = re.split(r"^(?=@ )", part, flags=re.MULTILINE)
        scene = _scene(*head.splitlines())
        for day in days:
            scene.lines.extend(_day(day))
        _spread(scene.lines)
        yield scene


def _scene(title: str, *facts: str) -> Scene:
    match = _HEAD.fullmatch(title)
    if match is None:
        raise ValueError(f"not the beginning of a conversation: {title!r}")
    kind, name = match.groups()
    if kind == "group":
        scene = Scene(kind, name, [])
    else:
        scene = Scene(kind, None, name.split(), private=True)
    for fact in filter(None, facts):
        _note(scene, *fact.partition(" ")[::2])
    return scene


def _note(scene: Scene, word: str, rest: str) -> None:
    match word:
        case "members":
            scene.members = [p.name for p in TEAM] if rest == "everybody" else rest.split()
        case "unread":
            pairs = (pair.split() for pair in rest.split(","))
            scene.unread = {name: int(count) for name, count in pairs}
        case "private" | "archived":
            setattr(scene, word, True)
        case "topic" | "owner":
            setattr(scene, word, rest)
        case _:
            raise ValueError(f"unknown word: {word!r}")


def _day(text: str) -> Iterator[Line]:
    title, *rows = text.splitlines()
    match = _DAY.fullmatch(title)
    if match is None:
        raise ValueError(f"not a day: {title!r}")
    days = timedelta(days=int(match[1] or bool(match[2])))
    said: list[str] = []
    line: Line | None = None
    for row in [*rows, "00:00 end: "]:
        if begin := _LINE.fullmatch(row):
            if line:
                yield _finished(line, said)
            hour, minute, author, edited, first = begin.groups()
            moment = timedelta(hours=int(hour), minutes=int(minute))
            line, said = Line(author, days + CURTAIN - moment, "", bool(edited)), [first]
        else:
            said.append(row)


def _finished(line: Line, said: list[str]) -> Line:
    line.text = clean_text("\n".join(said)).strip()
    return line


def _spread(lines: list[Line]) -> None:
    """Part messages of the same minute by some seconds, so that each has its own time."""
    for before, line in pairwise(lines):
        line.ago = min(line.ago, before.ago - timedelta(seconds=11))
