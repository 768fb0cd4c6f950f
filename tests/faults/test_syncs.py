"""Power loss, as far as the kernel's calls can tell: on disk before it is acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support import raw_http as http
from tests.support.sabotage import sabotage
from tests.support.strace import strace, syncs_before_each_201
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


def test_a_failed_sync_acknowledges_nothing(arena: Arena, tmp_path: Path) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader = arena.listen(ann, dm)
    sender = arena.sender(ann, dm)
    first = sender.send()
    body = {"directMessageId": dm, "content": "never on disk", "clientId": "unlucky"}
    failing = ("-e", "inject=fdatasync,fsync:error=EIO")
    with strace(arena.worker, tmp_path / "trace", "-e", CALLS, *failing):
        answers = [http.call(arena.port, "POST", "/api/messages", ann.token, body) for _ in "123"]
    assert {answer.status // 100 for answer in answers} == {5}
    assert all(b"sqlite" not in answer.body.lower() for answer in answers)
    # The disk is well again: the same send is taken, once, and nothing was shown before.
    again = http.call(arena.port, "POST", "/api/messages", ann.token, body)
    assert again.status == 201
    until(lambda: again.json["id"] in reader.shown, "the message, once it was taken")
    assert list(reader.shown) == [first, again.json["id"]]
    assert arena.verdict().is_clean
