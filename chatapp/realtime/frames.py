"""Event stream framing: pure functions from an event to its bytes.

Format: WHATWG HTML, section 9.2.5 "Parsing an event stream". A line ends at CR, LF or CR LF and
nowhere else: ``str.splitlines`` would also cut at U+2028, which JSON leaves as it is.
"""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\r|\n")


def event(
    data: bytes, *, name: str | None = None, event_id: str | None = None, retry: int | None = None
) -> bytes:
    """Return one event's bytes.

    ``data`` is UTF-8 text of any form; ``name`` None makes it a plain ``message``; ``retry`` is in
    milliseconds.

    Raises:
        ValueError: ``name`` or ``event_id`` holds a line end or, in the id, a NUL: a client would
            see other fields than were meant, or ignore the id.
    """
    lines = []
    if event_id is not None:
        lines.append(b"id: " + _checked(event_id, b"\0"))
    if name is not None:
        lines.append(b"event: " + _checked(name))
    if retry is not None:
        lines.append(b"retry: %d" % retry)
    lines += [b"data: " + line for line in _LINE_END.split(data)]
    return b"\n".join(lines) + b"\n\n"


def chunk(frame: bytes) -> bytes:
    """Return ``frame`` as one chunk of RFC 9112, section 7.1."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)


def _checked(value: str, forbidden: bytes = b"") -> bytes:
    encoded = value.encode()
    if _LINE_END.search(encoded) or (forbidden and forbidden in encoded):
        raise ValueError(f"not allowed in an event's field: {value!r}")
    return encoded


#: Keeps the connection open and lets JavaScript notice a dead one, which a comment would not.
#: 28 bytes as a chunk: three a minute stay below the 100 that an idle stream may cost.
PING = event(b"{}", name="ping")
