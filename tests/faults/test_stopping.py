"""Stopped and reloaded under load: everybody is told goodbye, and nobody's send fails."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.delivery


def goodbyes(arena: Arena) -> list[int]:
    return [listener.told["reconnect:restart"] for listener in arena.listeners]


def test_a_stop_under_load_says_goodbye_to_everybody(arena: Arena) -> None:
    arena.storm(people=5, senders=2)
    arena.until_acknowledged(20)
    arena.server.signal(signal.SIGTERM)
    until(lambda: goodbyes(arena) == [1] * 5, "five goodbyes")
    arena.server.stop()
    arena.server.start()
    arena.until_acknowledged(20)
    verdict = arena.verdict()
    assert verdict.is_clean, verdict


def reload(arena: Arena) -> None:
    """Reload, and wait until the old worker has gone."""
    old = arena.worker
    arena.server.signal(signal.SIGHUP)
    until(lambda: not Path(f"/proc/{old}").exists(), "the old worker's leaving")


def test_a_reload_under_load_fails_no_send(arena: Arena) -> None:
    arena.storm(people=5, senders=2)
    arena.until_acknowledged(20)
    reload(arena)
    until(lambda: goodbyes(arena) == [1] * 5, "five goodbyes")
    until(lambda: all(listener.is_live for listener in arena.listeners), "live streams")
    arena.until_acknowledged(20)
    verdict = arena.verdict()
    assert verdict.is_clean, verdict
    assert [sender.failures for sender in arena.senders] == [{}, {}]


def test_a_reload_to_code_that_does_not_start_changes_nothing(
    data_dir: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    code = f"if __import__('os').path.exists({str(wrong)!r}): raise ImportError('half a pull')"
    with open_arena(data_dir, **sabotage(tmp_path / "a", "chatapp.web", code)) as arena:
        arena.storm(people=2, senders=1)
        arena.until_acknowledged(5)
        worker = arena.worker
        wrong.touch()
        arena.server.signal(signal.SIGHUP)
        until(lambda: "nothing was reloaded" in arena.server.output(), "a line that says so")
        assert "half a pull" in arena.server.output()
        arena.until_acknowledged(5)
        assert arena.worker == worker
        wrong.unlink()
        reload(arena)
        arena.until_acknowledged(5)
        verdict = arena.verdict()
        assert verdict.is_clean, verdict
        assert [sender.failures for sender in arena.senders] == [{}]


@pytest.mark.long
def test_draining_matters(data_dir: Path, tmp_path: Path) -> None:
    silent = sabotage(tmp_path / "a", "chatapp.server", "say_goodbye = lambda worker: None")
    with open_arena(data_dir, **silent) as arena:
        arena.storm(people=3, senders=1)
        arena.until_acknowledged(5)
        os.kill(arena.worker, signal.SIGTERM)
        until(
            lambda: all(listener.connections > 1 for listener in arena.listeners), "they are back"
        )
        assert goodbyes(arena) == [0, 0, 0]
