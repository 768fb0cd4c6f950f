"""Killed without warning: the worker, or everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support.sabotage import sabotage

pytestmark = pytest.mark.delivery


def test_nothing_acknowledged_is_lost_when_the_worker_is_killed(arena: Arena) -> None:
    arena.storm(people=4, senders=2)
    for _ in range(3):
        arena.until_acknowledged(20)
        arena.kill_worker()
    arena.until_acknowledged(20)
    verdict = arena.verdict()
    assert verdict.acknowledged > 80
    assert verdict.is_clean, verdict
    assert all(listener.connections > 3 for listener in arena.listeners)


def test_nothing_acknowledged_is_lost_when_everything_is_killed(arena: Arena) -> None:
    arena.storm(people=3, senders=2)
    arena.until_acknowledged(20)
    arena.server.kill()
    arena.server.start()
    arena.until_acknowledged(20)
    assert arena.verdict().is_clean


@pytest.mark.long
def test_waiting_for_the_commit_matters(data_dir: Path, tmp_path: Path) -> None:
    early = """
        class Early(AsyncResult):
            def get(self, *args, **kwargs):
                return None

        AsyncResult, commit = Early, Batch.commit

        def commit_late(self):
            self.is_open = False
            gevent.spawn_later(1, commit, self)

        Batch.commit = commit_late
    """
    taken_away = sabotage(tmp_path / "early", "chatapp.domain.sqlite_writer", early)
    with open_arena(data_dir, **taken_away) as arena:
        arena.storm(people=2, senders=1)
        arena.until_acknowledged(1)
        arena.kill_worker()
        arena.until_acknowledged(1)
        verdict = arena.verdict()
    assert verdict.lost > 0
