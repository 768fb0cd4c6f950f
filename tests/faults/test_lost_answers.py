"""The answer to a send is lost: the client tries again, and it stays one message."""

from __future__ import annotations

import struct
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import gevent
import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support import raw_http as http
from tests.support.sabotage import sabotage
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery


def send_and_hang_up(arena: Arena, person: Person, body: dict[str, str]) -> None:
    """Send a request whole, and be gone (RST) before its answer."""
    with http.connect(arena.port) as sock:
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(http.request_bytes("POST", "/api/messages", person.token, body))
        # Closed at once, the RST would overtake the request.
        text = body["content"]
        until(lambda: any(text in reader.shown.values() for reader in arena.listeners), text)


def lose_and_retry(arena: Arena) -> tuple[list[int], list[str]]:
    """Lose the answer, then send the same again; return the statuses and all ids heard."""
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader = arena.listen(ann, dm)
    body = {"directMessageId": dm, "content": "lost answer", "clientId": "once"}
    send_and_hang_up(arena, ann, body)
    again = [http.call(arena.port, "POST", "/api/messages", ann.token, body) for _ in "12"]
    arena.sender(ann, dm)
    arena.verdict()
    assert {answer.json["id"] for answer in again} <= set(reader.shown)
    texts = [id_ for id_, text in reader.shown.items() if text == "lost answer"]
    return [answer.status for answer in again], texts


def test_a_retry_after_a_lost_answer_is_the_same_message(arena: Arena) -> None:
    statuses, ids = lose_and_retry(arena)
    assert statuses == [200, 200]
    assert len(ids) == 1


@pytest.mark.long
def test_remembering_sends_matters(data_dir: Path, tmp_path: Path) -> None:
    forget = """
        insert_row = _insert
        _insert = lambda standing, draft: insert_row(standing, draft._replace(client_id=None))
    """
    with open_arena(
        data_dir, **sabotage(tmp_path / "a", "chatapp.domain.messages", forget)
    ) as arena:
        statuses, ids = lose_and_retry(arena)
    assert statuses == [201, 201]
    assert len(ids) == 3


def test_a_retry_much_later_is_still_the_same_message(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    arena.listen(ann, dm)
    body = {"directMessageId": dm, "content": "sent yesterday", "clientId": "yesterday"}
    send_and_hang_up(arena, ann, body)
    sender = arena.sender(ann, dm)
    for _ in range(20):
        sender.send()
    arena.kill_worker()
    sender.send()
    again = http.call(arena.port, "POST", "/api/messages", ann.token, body)
    assert again.status == 200
    assert again.json["content"] == "sent yesterday"
    verdict = arena.verdict()
    assert verdict.is_clean, verdict


def test_twenty_identical_sends_at_once_are_one_message(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader = arena.listen(ann, dm)
    body = {"directMessageId": dm, "content": "only once", "clientId": "same"}
    calls = [
        gevent.spawn(http.call, arena.port, "POST", "/api/messages", ann.token, body)
        for _ in range(20)
    ]
    answers = [call.get() for call in calls]
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1
    arena.sender(ann, dm)
    assert arena.verdict().is_clean
    assert list(reader.shown.values()).count("only once") == 1
    assert reader.heard == 3  # ready, the one message, the fence
