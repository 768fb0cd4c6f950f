"""One line of JSON for each thing worth telling, on standard error."""

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

# What every LogRecord carries by itself; all else came in through `extra=`.
_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_WRITTEN_BY_US = ("time", "level", "logger", "pid", "event", "message", "exception")
_RESERVED = _OWN_ATTRIBUTES.union(_WRITTEN_BY_US)
# What other people's formatters may ask of a record that has no place in the source.
_NOWHERE = vars(logging.makeLogRecord({"processName": "", "threadName": "", "thread": 0}))
# Made once: json.dumps makes an encoder for each call that has options.
_encode = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    """Write a record as one line of pure ASCII.

    Whatever a person typed may end in a log. JSON's escapes keep CR, LF, ANSI sequences and
    the C1 controls (a terminal acts on U+009B, too) from forging lines or steering a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, without its newline."""
        line: dict[str, Any] = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
        }
        event = getattr(record, "event", None)
        line["message" if event is None else "event"] = event or record.getMessage()
        fields = getattr(record, "fields", None)
        line.update(_extra_fields(record) if fields is None else fields)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


def _extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}
    return {
        f"{name}_" if name in _WRITTEN_BY_US else name: value
        for name, value in fields.items()
        if name != "event"
    }


def rfc3339(seconds: float) -> str:
    """Return a time since the epoch as RFC 3339 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _EventRecord(logging.LogRecord):
    """The record of an event: without a place in the source, which is dear and never shown."""

    def __init__(self, name: str, level: int, event: str, fields: dict[str, object]) -> None:
        vars(self).update(_NOWHERE)
        self.name, self.levelno, self.levelname = name, level, logging.getLevelName(level)
        self.msg = self.event = event
        self.created = time.time()
        self.process = os.getpid()
        self.fields = {f"{name}_" if name in _RESERVED else name: v for name, v in fields.items()}


class _Handler(logging.StreamHandler[Any]):
    """Ours among the root's handlers; a test runner's own stay where they are."""


def configure(level: str = "INFO", file: Any = None) -> None:
    """Send all records of `level` and above to `file`, as JSON. May be called again.

    `file` has `write` and `flush`; None is standard error.
    """
    handler = _Handler(file or sys.stderr)
    handler.setFormatter(JsonFormatter())
    # Nothing of ours reads them, and each costs something with every record.
    logging.logThreads = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if not isinstance(kept, _Handler)]
    root.addHandler(handler)
    root.setLevel(level.upper())


def log_event(
    logger: logging.Logger, event: str, level: int = logging.INFO, **fields: object
) -> None:
    """Log something that happened by its name, such as `client_connected`, and its fields.

    The record is made here: there are two for each stream that opens, and looking for the caller's
    line and sorting the fields from a record's own takes half of what a record takes.
    """
    if logger.isEnabledFor(level):
        logger.handle(_EventRecord(logger.name, level, event, fields))
