"""Framing, judged by a parser that is itself judged by the standard's own examples."""

from __future__ import annotations

import json

import pytest

from chatapp.realtime import frames
from tests.support.event_stream import EventStream, parse

#: WHATWG HTML, 9.2.6: each block of the section's examples, and what it says of it.
EXAMPLES = {
    b"data: YHOO\ndata: +2\ndata: 10\n\n": [("message", "YHOO\n+2\n10", "")],
    b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event": [
        ("message", "first event", "1"),
        ("message", "second event", ""),
    ],
    b"data\n\ndata\ndata\n\ndata:": [("message", "", ""), ("message", "\n", "")],
    b"data:test\n\ndata: test\n\n": [("message", "test", ""), ("message", "test", "")],
    b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n": [
        ("add", "73857293", ""),
        ("remove", "2153", ""),
    ],
}


@pytest.mark.parametrize(("stream", "events"), EXAMPLES.items())
def test_the_parser_reads_the_standards_examples(
    stream: bytes, events: list[tuple[str, str, str]]
) -> None:
    for ended in (stream, stream.replace(b"\n", b"\r\n"), stream.replace(b"\n", b"\r")):
        assert parse(ended, strict=False) == events
        assert parse(b"\xef\xbb\xbf" + ended, strict=False) == events
        parser = EventStream(strict=False)
        bytewise = [event for byte in ended for event in parser.feed(bytes((byte,)))]
        assert bytewise == events


@pytest.mark.parametrize("bad", [b": comment\n", b"Data: x\n", b" data: x\n", b"retry: 1s\n"])
def test_the_strict_parser_refuses_what_we_never_send(bad: bytes) -> None:
    with pytest.raises(AssertionError):
        parse(bad)


def test_a_plain_event_has_no_name() -> None:
    assert frames.event(b"{}", event_id="k3f9-1042") == b"id: k3f9-1042\ndata: {}\n\n"
    assert parse(frames.event(b"{}", event_id="k3f9-1042")) == [("message", "{}", "k3f9-1042")]


def test_every_field_is_read_back() -> None:
    parser = EventStream()
    frame = frames.event(b"x", name="reset", event_id="a-1", retry=1500)
    assert parser.feed(frame) == [("reset", "x", "a-1")]
    assert parser.retry == 1500
    assert parser.is_between_events


@pytest.mark.parametrize(
    "text",
    [
        "",
        " leading space",
        "two\nlines",
        "\n\n",
        "data: of an event\n\nevent: forged",
        "U+2028 \N{LINE SEPARATOR} and U+0085 \x85 and \x0b\x0c\x1c end no line",
        "\ufeffa byte order mark",
        "\N{GRINNING FACE}\0",
    ],
)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    assert parse(frames.event(text.encode())) == [("message", text, "")]


def test_any_line_end_becomes_a_newline() -> None:
    assert parse(frames.event(b"a\rb\r\nc\nd")) == [("message", "a\nb\nc\nd", "")]


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nb", "\n"])
def test_a_line_end_in_a_field_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        frames.event(b"x", name=value)
    with pytest.raises(ValueError, match="not allowed"):
        frames.event(b"x", event_id=value)


def test_a_nul_in_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="not allowed"):
        frames.event(b"x", event_id="a\0b")


def test_events_cut_at_every_byte_come_whole_or_not_at_all() -> None:
    stream = frames.event(b'{"a":1}', event_id="e-1") + frames.event(b"{}", name="ping")
    whole = parse(stream)
    assert len(whole) == 2
    for cut in range(len(stream) + 1):
        parser = EventStream()
        first = parser.feed(stream[:cut])
        assert first == whole[: len(first)]
        assert first + parser.feed(stream[cut:]) == whole


def test_a_chunk_tells_its_length_in_bytes() -> None:
    assert frames.chunk("é".encode() * 8) == b"10\r\n" + "é".encode() * 8 + b"\r\n"


def test_a_ping_reaches_javascript_and_costs_little() -> None:
    (ping,) = parse(frames.PING)
    assert (ping.type, json.loads(ping.data), ping.last_event_id) == ("ping", {}, "")
    # Our budget (docs/PERFORMANCE.md): 100 bytes a minute for an idle stream, at three pings.
    assert 3 * len(frames.chunk(frames.PING)) <= 100
