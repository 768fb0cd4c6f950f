"""500 streams, five sends a second, clients coming and going: nothing is lost, nothing grows.

``FAULTS_SOAK_MINUTES=60 scripts/faults --long -k soak`` is the hour of docs/RELIABILITY.md.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

import gevent
import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support.light_listener import LightListener, judge_light
from tests.support.oracle import settle
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.long]

MINUTES = float(os.environ.get("FAULTS_SOAK_MINUTES", "2"))
STREAMS = 500
SENDS_A_SECOND = 5
#: Of the whole, before memory is watched: caches, and the allocator's first growth.
WARMING = 1 / 6
#: Megabytes that the worker may grow in an hour.
MOST_GROWTH = 1.0
#: SQLite's page cache grows with the file, up to 16 MB: here it is full before it is watched.
SMALL_CACHE = "SQLITE_PRAGMAS = (*SQLITE_PRAGMAS, 'PRAGMA cache_size = -500')"


class Mark(NamedTuple):
    """What the worker holds at one moment."""

    seconds: float
    memory_mb: float
    descriptors: int


class Crowd:
    """The clients of one conversation."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._dice = random.Random(2)
        self.members = [arena.person() for _ in range(STREAMS)]
        self.group = arena.team.group(*self.members)
        self.listeners: list[LightListener] = []
        self.sender = arena.sender(self.members[0], self.group)
        #: How often somebody lost the connection, and left for good; a newcomer takes their place.
        self.cuts = self.partings = 0

    def arrive(self) -> None:
        """Let everybody listen."""
        for number, member in enumerate(self.members):
            listener = LightListener(self._arena.port, member, self.group)
            self.listeners.append(listener)
            self._arena.listeners.append(listener.start())
            if number % 50 == 49:
                self.until_all_live()

    def until_all_live(self) -> None:
        until(lambda: all(listener.is_live for listener in self.listeners), "live streams")

    def stir(self, second: int) -> None:
        """Cut one client, which stays away for a while; now and then, replace one for good."""
        listener = self._dice.choice(self.listeners)
        listener.delay = self._dice.uniform(0, 5)
        listener.cut()
        self.cuts += 1
        if second % 5 == 0:
            self._replace(self._dice.randrange(STREAMS))

    def _replace(self, number: int) -> None:
        leaver = self.listeners[number]
        leaver.stop()
        newcomer = LightListener(self._arena.port, leaver.person, self.group)
        self._arena.listeners.remove(leaver)
        self._arena.listeners.append(newcomer.start())
        self.listeners[number] = newcomer
        self.partings += 1


def mark(process: int, began: float) -> Mark:
    descriptors = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return Mark(time.monotonic() - began, memory_mb(process), descriptors)


def memory_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def life_of(crowd: Crowd, worker: int) -> Iterator[Mark]:
    """Send and stir until the time is over; yield once a second."""
    began = time.monotonic()
    for turn in range(int(MINUTES * 60 * SENDS_A_SECOND)):
        crowd.sender.send()
        if turn % SENDS_A_SECOND == 0:
            crowd.stir(turn // SENDS_A_SECOND)
            yield mark(worker, began)
        # Of the whole, so that slow sends do not add up.
        gevent.sleep(max(0, began + (turn + 1) / SENDS_A_SECOND - time.monotonic()))


def growth(marks: list[Mark]) -> float:
    """Return the megabytes that memory grew by, as a straight line through all marks has it.

    An hour's worth, unless the marks span too little of one to tell growth from its noise.
    """
    line = linear_regression([m.seconds for m in marks], [m.memory_mb for m in marks])
    span = marks[-1].seconds - marks[0].seconds
    return line.slope * (3600 if span > 1800 else span)


def descriptors_gained(marks: list[Mark]) -> float:
    """Return how many more were open in the last tenth of the time than in the first."""
    tenth = len(marks) // 10 + 1
    first, last = marks[:tenth], marks[-tenth:]
    return median(m.descriptors for m in last) - median(m.descriptors for m in first)


def test_a_soak_stays_flat(data_dir: Path, tmp_path: Path) -> None:
    small = sabotage(tmp_path / "small", "chatapp.models.engine", SMALL_CACHE)
    with open_arena(data_dir, **small) as arena:
        before = arena.footprint()
        crowd = Crowd(arena)
        crowd.arrive()
        at_first, worker = arena.footprint(), arena.worker
        began, own = time.monotonic(), time.process_time()
        marks = list(life_of(crowd, worker))
        share = (time.process_time() - own) / (time.monotonic() - began)
        settle(crowd.sender, crowd.listeners)
        crowd.until_all_live()
        verdict = judge_light(arena.database, arena.senders, crowd.listeners)
        warm = marks[int(len(marks) * WARMING) :]
        grown = growth(warm)
        print(
            f"\nsoak of {MINUTES:g} minutes: {verdict}; {crowd.cuts} cuts, {crowd.partings} "
            f"partings; failed sends {dict(crowd.sender.failures)}; longest send "
            f"{crowd.sender.longest:.2f} s; grown {grown:.2f} MB (from {warm[0].memory_mb:.1f} to "
            f"{warm[-1].memory_mb:.1f}); descriptors {min(m.descriptors for m in warm)} to "
            f"{max(m.descriptors for m in warm)}; clients took {share:.0%} of a core"
        )
        assert verdict.is_clean, verdict
        assert arena.worker == worker
        assert grown <= MOST_GROWTH
        assert descriptors_gained(warm) <= 1
        # With everybody back it holds what it held with everybody there at first.
        until(lambda: arena.footprint() == at_first, f"{at_first}, not {arena.footprint()}")
        arena.until_as_before(before)
