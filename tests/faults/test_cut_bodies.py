"""A client leaves in the middle of what it sends: nothing of it is taken, and it may come again."""

from __future__ import annotations

import json
import re
import struct
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

import pytest

from tests.faults.browsers import browser
from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.team import Person

pytestmark = pytest.mark.delivery


def request_of(person: Person, body: Any) -> tuple[bytes, int]:
    """Return a request, and how long it is without its body."""
    content = json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    head = http.request_bytes("POST", "/api/messages", person.token, headers=fields)
    return head + content, len(head)


def send_and_say_no_more(arena: Arena, data: bytes) -> int | None:
    """Send, then end our half of the connection (FIN); return the status of what is answered."""
    with http.connect(arena.port) as sock:
        sock.sendall(data)
        sock.shutdown(SHUT_WR)
        try:
            return http.read_head(sock)[0]
        except ConnectionResetError:
            return None


def send_and_break_off(arena: Arena, data: bytes) -> None:
    """Send, then be gone at once (RST)."""
    with http.connect(arena.port) as sock:
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(data)


def test_a_body_cut_anywhere_stores_nothing_and_may_be_sent_again(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader = arena.listen(ann, dm)
    body = {"directMessageId": dm, "content": "cut in two", "clientId": "cut"}
    whole, head = request_of(ann, body)
    errors = len(arena.server.log_lines(level="error"))
    for length in range(head, len(whole)):
        assert send_and_say_no_more(arena, whole[:length]) in (None, 400), whole[head:length]
        send_and_break_off(arena, whole[:length])
    path = f"/api/messages?directMessageId={dm}"
    assert http.call(arena.port, "GET", path, ann.token).json == []
    # Nothing was remembered of it either: whole, it is a new message, and then the same one.
    assert send_and_say_no_more(arena, whole) == 201
    assert send_and_say_no_more(arena, whole) == 200
    arena.sender(ann, dm)
    assert arena.verdict().is_clean
    assert list(reader.shown.values()).count("cut in two") == 1
    assert len(arena.server.log_lines(level="error")) == errors


def test_a_form_cut_half_way_stores_nothing(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    headers = browser(arena, ann)
    content = f"csrf_token={headers.pop('X-CSRFToken')}&client_id=form&content=Do+not+delete+it"
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers["Content-Length"] = str(len(content))
    head = http.request_bytes("POST", f"/conversations/{dm}", None, headers=headers)
    whole = head + content.encode()
    for length in range(len(head), len(whole)):
        assert send_and_say_no_more(arena, whole[:length]) in (None, 400)
    path = f"/api/messages?directMessageId={dm}"
    assert http.call(arena.port, "GET", path, ann.token).json == []
    assert send_and_say_no_more(arena, whole) == 303
    (message,) = http.call(arena.port, "GET", path, ann.token).json
    assert message["content"] == "Do not delete it"


def test_a_body_that_is_shorter_than_it_says_is_not_taken_even_where_it_reads_well(
    arena: Arena,
) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    whole, _ = request_of(ann, {"directMessageId": dm, "content": "whole, and yet not all"})
    length = re.search(rb"Content-Length: (\d+)", whole)
    assert length
    lies = whole.replace(length[0], b"Content-Length: %d" % (int(length[1]) + 20))
    assert send_and_say_no_more(arena, lies) in (None, 400)
