"""Power loss, as far as the kernel's calls can tell: on disk before it is acknowledged."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support import raw_http as http
from tests.support.sabotage import sabotage
from tests.support.strace import strace, synced_posts, syncs_before_each_201
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery

CALLS = "trace=fdatasync,fsync,recvfrom,sendto,sendmsg"


def post_traced(arena: Arena, output: Path) -> list[int]:
    """Post ten messages one after another; return the syncs before each acknowledgement."""
    ann = arena.person()
    sender = arena.sender(ann, arena.team.dm(ann, arena.person()))
    sender.send()
    with strace(arena.worker, output, "-e", CALLS):
        for _ in range(10):
            sender.send()
        until(lambda: len(syncs_before_each_201(output)) == 10, "ten traced answers")
    return syncs_before_each_201(output)


def test_each_acknowledgement_waits_for_its_sync(arena: Arena, tmp_path: Path) -> None:
    assert min(post_traced(arena, tmp_path / "trace")) >= 1


@pytest.mark.long
def test_the_synchronous_setting_matters(data_dir: Path, tmp_path: Path) -> None:
    off = "SQLITE_PRAGMAS = (*SQLITE_PRAGMAS, 'PRAGMA synchronous = OFF')"
    with open_arena(data_dir, **sabotage(tmp_path / "off", "chatapp.models.engine", off)) as arena:
        assert max(post_traced(arena, tmp_path / "trace")) == 0


#: Posts at once, and a disk so slow that those behind the first one share a sync.
AT_ONCE = 12
SLOW = ("-e", "inject=fdatasync:delay_enter=100000")


def post_at_once(arena: Arena, person: Person, dm: str) -> list[http.Answer]:
    """Post neighbours: each with a name of its own, the same each time."""
    bodies = [
        {"directMessageId": dm, "content": f"neighbour {number}", "clientId": f"n{number}"}
        for number in range(AT_ONCE)
    ]
    calls = [
        gevent.spawn(http.call, arena.port, "POST", "/api/messages", person.token, body)
        for body in bodies
    ]
    return [call.get() for call in calls]


def test_none_of_those_that_share_a_sync_is_acknowledged_before_it(
    arena: Arena, tmp_path: Path
) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    output = tmp_path / "trace"
    with strace(arena.worker, output, "-e", CALLS, *SLOW):
        answers = post_at_once(arena, ann, dm)
        until(lambda: len(synced_posts(output).synced) == AT_ONCE, "the traced answers")
    assert {answer.status for answer in answers} == {201}
    found = synced_posts(output)
    assert found.syncs < AT_ONCE, "the premise: they shared"
    assert found.synced == [True] * AT_ONCE


def test_those_whose_sync_fails_are_all_refused_and_leave_nothing(
    arena: Arena, tmp_path: Path
) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader = arena.listen(ann, dm)
    with strace(arena.worker, tmp_path / "trace", "-e", CALLS, "-e", failing()):
        answers = post_at_once(arena, ann, dm)
    assert {answer.status // 100 for answer in answers} == {5}
    path = f"/api/messages?directMessageId={dm}"
    assert http.call(arena.port, "GET", path, ann.token).json == []
    # The disk is well again: each is new, and known from then on.
    assert {answer.status for answer in post_at_once(arena, ann, dm)} == {201}
    assert {answer.status for answer in post_at_once(arena, ann, dm)} == {200}
    arena.sender(ann, dm)
    assert arena.verdict().is_clean
    texts = [text for text in reader.shown.values() if text.startswith("neighbour")]
    assert sorted(texts) == sorted(f"neighbour {number}" for number in range(AT_ONCE))


def test_when_every_second_sync_fails_nothing_is_half_taken(arena: Arena, tmp_path: Path) -> None:
    members = [arena.person() for _ in range(AT_ONCE)]
    group = arena.team.group(*members)
    arena.listen(members[0], group)
    senders = [arena.sender(member, group) for member in members]
    with strace(arena.worker, tmp_path / "trace", "-e", CALLS, "-e", failing(when="1+2")):
        for sender in senders:
            sender.start()
        arena.until_acknowledged(3 * AT_ONCE)
        for sender in senders:
            sender.stop()
    failures = [sum(sender.failures.values()) for sender in senders]
    assert sum(map(bool, failures)) > 1, "the premise: neighbours were refused"
    verdict = arena.verdict()
    assert verdict.is_clean, verdict


def failing(when: str = "1+") -> str:
    """Return strace's words for a slow disk whose syncs fail: all, or some of a thread's."""
    return f"inject=fdatasync,fsync:error=EIO:delay_enter=100000:when={when}"


def test_a_failed_sync_acknowledges_nothing(arena: Arena, tmp_path: Path) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader = arena.listen(ann, dm)
    sender = arena.sender(ann, dm)
    first = sender.send()
    body = {"directMessageId": dm, "content": "never on disk", "clientId": "unlucky"}
    with strace(arena.worker, tmp_path / "trace", "-e", CALLS, "-e", failing()):
        answers = [http.call(arena.port, "POST", "/api/messages", ann.token, body) for _ in "123"]
    assert {answer.status // 100 for answer in answers} == {5}
    assert all(b"sqlite" not in answer.body.lower() for answer in answers)
    # The disk is well again: the same send is taken, once, and nothing was shown before.
    again = http.call(arena.port, "POST", "/api/messages", ann.token, body)
    assert again.status == 201
    until(lambda: again.json["id"] in reader.shown, "the message, once it was taken")
    assert list(reader.shown) == [first, again.json["id"]]
    assert arena.verdict().is_clean
