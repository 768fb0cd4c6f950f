"""The cursor: what a client has seen."""

from __future__ import annotations

import pytest

from chatapp.realtime.cursor import Cursor, parse


def test_a_cursor_is_read_back_as_it_was_written() -> None:
    for cursor in (Cursor("k3f9", 1042), Cursor("a", 0), Cursor("0" * 16, 10**18 - 1)):
        assert parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "k3f9",
        "k3f9-",
        "-1",
        "k3f9--1",
        "k3f9-1.0",
        "k3f9-1 ",
        " k3f9-1",
        "k3f9-1\n",
        "K3F9-1",
        "k3f9-0x1",
        "k3f9-1_000",
        "k3f9-\N{ARABIC-INDIC DIGIT ONE}",
        "k3f9-9223372036854775808",
        "k" * 17 + "-1",
        "k3f9-1-1",
        "\0",
    ],
)
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert parse(text) is None
