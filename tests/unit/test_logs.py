"""One line of JSON, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from chatapp import logs

HOSTILE = 'a"b\r\nfake line\x1b[31m red \x9b2J\u2028\ud800\x00'


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    logger = logging.getLogger("test.logs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


def only_line(stream: io.StringIO) -> dict[str, Any]:
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text.isascii()
    assert text.count("\n") == 1
    assert not set(text[:-1]) & {chr(code) for code in [*range(0x20), 0x7F]}
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_an_event_is_a_line_of_its_name_and_fields(written: io.StringIO) -> None:
    logger = logging.getLogger("test.logs")
    logs.log_event(logger, "client_connected", user="user_1", channel="dm:dm_1")

    line = only_line(written)
    assert line.pop("pid") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "test.logs",
        "event": "client_connected",
        "user": "user_1",
        "channel": "dm:dm_1",
    }


def test_hostile_text_stays_in_its_line(written: io.StringIO) -> None:
    logging.getLogger("test.logs").warning("%s", HOSTILE)
    assert only_line(written)["message"] == HOSTILE


def test_hostile_field_stays_in_its_line(written: io.StringIO) -> None:
    logs.log_event(logging.getLogger("test.logs"), "sent", name=HOSTILE)
    assert only_line(written)["name_"] == HOSTILE


def test_an_exception_is_told_within_the_line(written: io.StringIO) -> None:
    try:
        int(HOSTILE)
    except ValueError:
        logging.getLogger("test.logs").exception("It failed.")
    assert "ValueError" in only_line(written)["exception"]


def test_what_json_cannot_say_is_told_as_text(written: io.StringIO) -> None:
    logs.log_event(logging.getLogger("test.logs"), "odd", value={1, 2}, time="then")
    line = only_line(written)
    assert line["value"] == "{1, 2}"
    assert line["time"].endswith("Z")
    assert line["time_"] == "then"


def test_configuring_twice_writes_once() -> None:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    try:
        logs.configure()
        logs.configure("warning")
        assert len([h for h in root.handlers if h not in kept]) == 1
        assert root.level == logging.WARNING
    finally:
        root.handlers, root.level = kept, level


def test_a_time_is_rfc_3339_in_utc() -> None:
    assert logs.rfc3339(0) == "1970-01-01T00:00:00.000Z"
