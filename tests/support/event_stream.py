"""An event stream read strictly by the standard: WHATWG HTML, 9.2.6 "Interpreting an event stream".

Written from the standard alone, so that it can judge our framing. ``strict`` also refuses what the
standard ignores (comments, unknown fields, a digitless ``retry``): we never send any.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_LINE_END = re.compile(rb"\r\n|\r|\n")


class Event(NamedTuple):
    """One dispatched event."""

    type: str
    data: str
    last_event_id: str

    @property
    def json(self) -> Any:
        """The data, parsed."""
        return json.loads(self.data)


class EventStream:
    """A parser that is fed bytes in pieces of any size."""

    def __init__(self, *, strict: bool = True) -> None:
        self.strict = strict
        self.retry: int | None = None
        self._id = ""
        self._type = ""
        self._data: list[str] = []
        self._rest = b""
        self._begun = False
        self._after_cr = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that ``data`` completes."""
        events = []
        for line in self._lines(data):
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    @property
    def is_between_events(self) -> bool:
        """Whether nothing incomplete is waiting."""
        return not (self._rest or self._data or self._type)

    def _lines(self, data: bytes) -> list[str]:
        if data and self._after_cr:
            # The LF of a CR LF that was cut in two.
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if not data:
            return []
        self._after_cr = data.endswith(b"\r")
        *lines, self._rest = _LINE_END.split(self._rest + data)
        return [self._decoded(line) for line in lines]

    def _decoded(self, line: bytes) -> str:
        text = line.decode(errors="strict" if self.strict else "replace")
        if not self._begun:
            text, self._begun = text.removeprefix("\ufeff"), True
        return text

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(":")
        if not name:
            assert not self.strict, f"a comment: {line!r}"
        else:
            self._field(name, value.removeprefix(" ") if colon else "")
        return None

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)
        else:
            assert not self.strict, f"no field of the standard: {name!r}"

    def _dispatch(self) -> Event | None:
        type_, data = self._type or "message", self._data
        self._type, self._data = "", []
        return Event(type_, "\n".join(data), self._id) if data else None


def parse(data: bytes, *, strict: bool = True) -> list[Event]:
    """Return the events of a whole stream; what is incomplete at its end is dropped."""
    return EventStream(strict=strict).feed(data)
