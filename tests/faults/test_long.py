"""Minutes of it, with numbers: `scripts/faults --long` prints what docs/RELIABILITY.md shows."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import gevent
import pytest

from tests.faults.conftest import Arena
from tests.support.oracle import Verdict
from tests.support.server import ROOT
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.long]


def say(what: str, verdict: Verdict, **numbers: float) -> None:
    more = "".join(f", {name} {value:.1f}" for name, value in numbers.items())
    print(
        f"\n{what}: acknowledged {verdict.acknowledged}, lost {verdict.lost}, doubled "
        f"{verdict.doubled}, out of order {verdict.out_of_order}, torn {verdict.torn}{more}"
    )


def storm_with(arena: Arena, disturb: Callable[[], float], times: int) -> tuple[Verdict, float]:
    """Disturb a storm so many times; return the verdict and the longest recovery in seconds."""
    arena.storm(people=10, senders=4)
    arena.until_acknowledged(50)
    longest = max(disturb() for _ in range(times))
    arena.until_acknowledged(50)
    return arena.verdict(), longest


def seconds_until_live(arena: Arena, disturb: Callable[[], object]) -> float:
    """Return how long after a disturbance every client is live again and sends are taken."""
    connections = [listener.connections for listener in arena.listeners]
    began = time.monotonic()
    disturb()
    arena.until_acknowledged(4)
    until(
        lambda: all(
            listener.is_live and listener.connections > before
            for listener, before in zip(arena.listeners, connections, strict=True)
        ),
        "live streams",
    )
    return time.monotonic() - began


def test_forty_killed_workers(own_arena: Arena) -> None:
    dice = random.Random(1)

    def kill() -> float:
        # At any moment of the storm: after some acknowledgements more, 0 to 60.
        own_arena.until_acknowledged(dice.randrange(60))
        worker = own_arena.worker
        return seconds_until_live(own_arena, lambda: os.kill(worker, signal.SIGKILL))

    verdict, longest = storm_with(own_arena, kill, 40)
    say("worker killed 40 times", verdict, longest_recovery=longest)
    assert verdict.is_clean


def test_a_worker_killed_again_and_again(own_arena: Arena) -> None:
    """Every 0.3 to 0.9 s, whether or not the one before has come to serve."""
    dice = random.Random(3)
    own_arena.storm(people=10, senders=4)
    own_arena.until_acknowledged(50)
    began = own_arena.acknowledged()
    for _ in range(60):
        gevent.sleep(dice.uniform(0.3, 0.9))
        if worker := own_arena.worker:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
    meanwhile = own_arena.acknowledged() - began
    own_arena.until_acknowledged(50)
    verdict = own_arena.verdict()
    say("worker killed every 0.3 to 0.9 s, 60 times", verdict, acknowledged_meanwhile=meanwhile)
    assert meanwhile > 0
    assert verdict.is_clean


def test_ten_power_cuts(own_arena: Arena) -> None:
    def cut() -> float:
        def all_at_once() -> None:
            own_arena.server.kill()
            own_arena.server.start()

        return seconds_until_live(own_arena, all_at_once)

    verdict, longest = storm_with(own_arena, cut, 10)
    say("everything killed 10 times", verdict, longest_recovery=longest)
    assert verdict.is_clean


def test_ten_reloads(own_arena: Arena) -> None:
    leaving: list[float] = []

    def reload() -> float:
        old = own_arena.worker
        seconds = seconds_until_live(own_arena, lambda: own_arena.server.signal(signal.SIGHUP))
        began = time.monotonic()
        until(lambda: not Path(f"/proc/{old}").exists(), "the old worker's leaving")
        leaving.append(seconds + time.monotonic() - began)
        return seconds

    verdict, longest = storm_with(own_arena, reload, 10)
    failed = sum(sender.failures.total() for sender in own_arena.senders)
    say(
        "reloaded 10 times",
        verdict,
        failed_sends=failed,
        longest_recovery=longest,
        old_worker_gone_after=max(leaving),
    )
    assert verdict.is_clean
    assert failed == 0
    assert longest < 5
    assert max(leaving) < 10


@pytest.mark.parametrize(
    ("streams", "workers"), [(10_000, 0), (10_000, 1)], ids=["sqlite", "postgresql"]
)
def test_a_herd_comes_back(tmp_path: Path, streams: int, workers: int) -> None:
    """By the load generator in C: it must not be what is measured."""
    herd = [sys.executable, "-m", "tests.faults.herd"]
    command = [*herd, str(tmp_path), str(streams), str(workers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr[-2000:])
    assert done.returncode == 0
