"""What is promised in seconds, as a client sees it: for a machine that does nothing else.

Everything else in this folder waits for what must happen, however long it takes. These judge time,
so they run with `scripts/faults --long` alone, and print what docs/RELIABILITY.md shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import gevent
import pytest

from chatapp.domain import passwords
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User
from tests.faults.browsers import browser
from tests.faults.conftest import Arena, open_arena
from tests.faults.crowds import HOSTILE, TWENTY
from tests.support import raw_http as http
from tests.support.server import ROOT, free_port

pytestmark = [pytest.mark.delivery, pytest.mark.long]

PASSWORD = "a long enough passphrase"
#: Tries of each kind, in turn.
TRIES = 15


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def try_password(arena: Arena, cookies: dict[str, str], name: str, address: int) -> http.Answer:
    """Try a wrong password; each try from an address of its own, as those are limited."""
    body = f"name={name}&password=a+long+enough+guess"
    headers = {
        **cookies,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "X-Forwarded-For": f"192.0.2.{address}",
    }
    with http.connect(arena.port) as sock:
        sent = http.request_bytes("POST", "/sign-in", None, headers=headers) + body.encode()
        sock.sendall(sent)
        status, fields, content = http.read_head(sock)
        while piece := sock.recv(65536):
            content += piece
    return http.Answer(status, fields, content)


def person_with_password(arena: Arena) -> str:
    person = arena.person()
    with arena.app.app_context():
        hashed = passwords.hash_password(PASSWORD)
        with transaction():
            db.session.get_one(User, person.id).password_hash = hashed
    return person.name


def test_an_unknown_name_answers_as_late_as_a_wrong_password(data_dir: Path) -> None:
    with open_arena(data_dir, CHAT_TRUSTED_PROXIES="1") as arena:
        known = [person_with_password(arena) for _ in range(TRIES)]
        cookies = browser(arena, arena.admin)
        taken: dict[str, list[float]] = {"known": [], "unknown": []}
        statuses: set[int] = set()
        for number, name in enumerate(known):
            for kind, tried in (("known", name), ("unknown", f"nobody{number}")):
                began = time.perf_counter()
                address = 2 * number + (kind == "known")
                statuses.add(try_password(arena, cookies, tried, address).status)
                taken[kind].append(time.perf_counter() - began)
    middle = {kind: 1000 * median(values) for kind, values in taken.items()}
    print(f"\nwrong sign-ins, median of {TRIES} each: {middle} ms, answered {statuses}")
    assert len(statuses) == 1
    assert abs(middle["known"] - middle["unknown"]) < 10


def slowest_sends_during(arena: Arena, work: Callable[[int], object]) -> float:
    """Let twenty do something at once; return the p99 of what another sends meanwhile."""
    ann = arena.person()
    sender = arena.sender(ann, arena.team.group(ann))
    busy = [gevent.spawn(work, number) for number in range(TWENTY)]
    taken = [seconds(sender.send)]
    while not all(greenlet.dead for greenlet in busy):
        taken.append(seconds(sender.send))
    gevent.joinall(busy, raise_error=True)
    assert sender.failures == {}
    return quantiles(taken, n=100)[-1] if len(taken) > 1 else taken[0]


def test_twenty_sign_ins_hold_others_up_for_less_than_half_a_second(data_dir: Path) -> None:
    with open_arena(data_dir, CHAT_TRUSTED_PROXIES="1") as arena:
        names = [person_with_password(arena) for _ in range(TWENTY)]
        cookies = browser(arena, arena.admin)

        def attempt(number: int) -> None:
            assert try_password(arena, cookies, names[number], number).status == 400

        p99 = slowest_sends_during(arena, attempt)
    print(f"\ntwenty sign-ins at once: others' p99 {1000 * p99:.0f} ms")
    assert p99 < 0.5


def test_twenty_hostile_texts_hold_others_up_for_less_than_half_a_second(own_arena: Arena) -> None:
    eve = own_arena.person()
    group = own_arena.team.group(eve)

    def post(number: int) -> None:
        body = {"groupId": group, "content": HOSTILE[number % len(HOSTILE)][:8000]}
        assert http.call(own_arena.port, "POST", "/api/messages", eve.token, body).status == 201

    p99 = slowest_sends_during(own_arena, post)
    print(f"\ntwenty hostile texts at once: others' p99 {1000 * p99:.0f} ms")
    assert p99 < 0.5


def test_a_second_process_on_the_file_leaves_within_two_seconds(own_arena: Arena) -> None:
    env = {"CHAT_DATA_DIR": str(own_arena.server.data_dir), "PORT": str(free_port())}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:app"]
    began = time.monotonic()
    second = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    taken = time.monotonic() - began
    print(f"\nsecond process: left after {taken:.1f} s")
    assert second.returncode != 0
    assert "already serves" in second.stderr
    assert taken < 2
