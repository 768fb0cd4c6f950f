"""Much at once: sign-ins, hostile texts, thousands of streams. Everybody else goes on."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from tests.faults.browsers import browser
from tests.faults.conftest import Arena, open_arena
from tests.faults.crowds import HOSTILE, TWENTY
from tests.support import raw_http as http
from tests.support.listener import Listener
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.delivery


def progress_during(arena: Arena, work: Callable[[int], object]) -> int:
    """Do twenty pieces of work at once; return what one other sent from the first to the last."""
    ann = arena.person()
    group = arena.team.group(ann)
    arena.listen(ann, group)
    sender = arena.sender(ann, group).start()
    arena.until_acknowledged(1)
    before = len(sender.acknowledged)
    gevent.joinall([gevent.spawn(work, number) for number in range(TWENTY)], raise_error=True)
    after = len(sender.acknowledged)
    assert arena.verdict().is_clean
    return after - before


def sign_in(arena: Arena) -> Callable[[int], object]:
    """Return what tries a password on the account of this number."""
    headers = browser(arena, arena.admin)
    headers["Content-Type"] = "application/x-www-form-urlencoded"

    def attempt(number: int) -> None:
        body = f"name=nobody{number}&password=a+long+enough+guess"
        length = {"Content-Length": str(len(body))}
        with http.connect(arena.port) as sock:
            sent = http.request_bytes("POST", "/sign-in", None, headers={**headers, **length})
            sock.sendall(sent + body.encode())
            status, _, _ = http.read_head(sock)
            assert status in (200, 303, 400, 422), status

    return attempt


def test_twenty_sign_ins_let_others_go_on(arena: Arena) -> None:
    # Hashing twenty takes a second of two threads; a send takes milliseconds.
    assert progress_during(arena, sign_in(arena)) >= TWENTY


@pytest.mark.long
def test_hashing_in_a_thread_matters(data_dir: Path, tmp_path: Path) -> None:
    inline = "_in_thread = lambda work: work()"
    with open_arena(
        data_dir, **sabotage(tmp_path / "a", "chatapp.domain.passwords", inline)
    ) as arena:
        assert progress_during(arena, sign_in(arena)) < TWENTY


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_twenty_hostile_texts_hold_nobody_up(arena: Arena) -> None:
    eve = arena.person()
    group = arena.team.group(eve)

    def post(number: int) -> None:
        body = {"groupId": group, "content": HOSTILE[number % len(HOSTILE)][:8000]}
        assert http.call(arena.port, "POST", "/api/messages", eve.token, body).status == 201

    before = cpu_seconds(arena.worker)
    progress_during(arena, post)
    # Nobody can have waited longer than the worker has worked; its clock is no wall's.
    assert cpu_seconds(arena.worker) - before < 0.5


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Let this process open as many files as it ever may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.long
@pytest.mark.usefixtures("descriptors")
def test_three_thousand_streams_leave_the_worker_answering(data_dir: Path) -> None:
    with open_arena(data_dir, CHAT_STREAMS_PER_USER="5000", CHAT_STREAMS="5000") as arena:
        ann = arena.person()
        group = arena.team.group(ann)
        before = arena.footprint()
        for _ in range(30):
            batch = [Listener(arena.port, ann, group).start() for _ in range(100)]
            arena.listeners += batch
            until(lambda batch=batch: all(one.is_live for one in batch), "100 more")  # type: ignore[misc]
        began = time.monotonic()
        assert http.call(arena.port, "GET", "/healthz").status == 200
        taken = time.monotonic() - began
        print(f"\n3,000 streams: /healthz answered after {taken:.3f} s")
        assert taken < 1
        assert arena.metric("chatapp_streams") == 3000
        sender = arena.sender(ann, group)
        for _ in range(3):
            sender.send()
        verdict = arena.verdict()
        assert verdict.is_clean, verdict
        arena.until_as_before(before)
