"""A client that stops reading: bounded memory, others undisturbed, complete when it reads again."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from tests.faults.conftest import Arena, open_arena
from tests.faults.standstill import a_client_stops_reading
from tests.support.databases import SqliteDatabases
from tests.support.oracle import judge
from tests.support.sabotage import sabotage
from tests.support.tcp import connections
from tests.support.wait import until

pytestmark = pytest.mark.delivery

OVERFLOWS = "chatapp_overflows_total"


def test_a_client_that_stops_reading_is_bounded_and_then_catches_up(arena: Arena) -> None:
    before = arena.metric(OVERFLOWS)
    stopped, other = a_client_stops_reading(arena)
    # Its greenlet notes the overflow once the socket takes bytes again.
    stopped.resume()
    until(lambda: arena.metric(OVERFLOWS) > before or stopped.connections > 1, "the overflow")
    verdict = arena.verdict()
    assert verdict.is_clean, verdict
    assert (other.connections, other.told) == (1, {})


@pytest.mark.long
def test_the_bound_matters(data_dir: Path, tmp_path: Path) -> None:
    endless = sabotage(tmp_path / "a", "chatapp.realtime.subscriber", "QUEUE_BYTES = 10**9")
    with open_arena(data_dir, **endless) as arena:
        stopped, _ = a_client_stops_reading(arena)
        stopped.resume()
        arena.verdict()
        # It was all kept: nothing was ever dropped.
        assert arena.metric(OVERFLOWS) == 0
        assert stopped.connections == 1


#: Nobody is dropped for not reading, however long a busy machine takes to fill all buffers.
PATIENT = "import chatapp.realtime.wire as wire; wire.PEER_TIMEOUT = 600_000"
#: Clients that stop reading, each in a conversation of its own, so that none shares what waits.
MANY = 50
#: Long messages for each: more than twice what may wait, all together.
FLOOD = 40


def flooded(arena: Arena, *, reading: bool) -> int:
    """Write to many, far more than may wait; return the bytes that the worker has grown by."""
    ann = arena.person()
    readers = [arena.person() for _ in range(MANY)]
    dms = [arena.team.dm(ann, reader) for reader in readers]
    for reader, dm in zip(readers, dms, strict=True):
        listener = arena.listen(reader, dm, receive_buffer=4096)
        if not reading:
            listener.pause()
        arena.sender(ann, dm, length=7000)
    before = pss(arena.worker)
    for sender in arena.senders:
        for _ in range(FLOOD):
            sender.send()
    return pss(arena.worker) - before


def kept_for_each(folder: Path, databases: SqliteDatabases, code: str) -> float:
    """Return the bytes that wait for one of many clients that have stopped reading.

    Those are what the process has grown by, compared with one whose clients read all of the same,
    and what the kernel holds in its sockets.
    """
    grown, kernel = [], 0
    for reading in (True, False):
        data_dir = folder / f"{reading}" / "data"
        data_dir.mkdir(parents=True)
        databases.make(data_dir)
        taken_away = sabotage(folder / "sabotage", "chatapp.realtime.subscriber", code)
        with open_arena(data_dir, **taken_away) as arena:
            grown.append(flooded(arena, reading=reading))
            kernel = unsent(arena.port)
            for listener in arena.listeners:
                listener.resume()
            for sender, listener in zip(arena.senders, arena.listeners, strict=True):
                last = list(sender.acknowledged.values())[-1]
                until(lambda: last in listener.shown, "its last message")  # noqa: B023
            verdict = judge(arena.database, arena.senders, arena.listeners)
            assert verdict.is_clean, verdict
    # Enough was sent: the kernel's buffers were as full as they get.
    assert kernel > MANY * 64 * 1024
    print(
        f"\nfor each of {MANY} clients that stopped reading: {kernel / MANY / 1024:.0f} KB in the "
        f"kernel, {(grown[1] - grown[0]) / MANY / 1024:.0f} KB in the process ({grown})"
    )
    return (grown[1] - grown[0] + kernel) / MANY


def pss(process: int) -> int:
    """Return the bytes of memory that are this process's own, and its part of what it shares."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return (
        next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1024
    )


def unsent(port: int) -> int:
    """Return the bytes that wait in the kernel, in all connections of a server."""
    return sum(each.unsent for each in connections(port))


@pytest.mark.long
def test_what_is_kept_for_clients_that_stop_reading_is_bounded(
    sqlite: SqliteDatabases, tmp_path: Path
) -> None:
    assert kept_for_each(tmp_path, sqlite, PATIENT) < 256 * 1024


@pytest.mark.long
def test_the_bound_matters_to_memory(sqlite: SqliteDatabases, tmp_path: Path) -> None:
    assert kept_for_each(tmp_path, sqlite, f"QUEUE_BYTES = 10**9; {PATIENT}") > 256 * 1024


@pytest.mark.long
def test_what_is_kept_for_clients_that_read_slowly_is_bounded(
    sqlite: SqliteDatabases, tmp_path: Path
) -> None:
    """They have missed more than may wait, and read it in small gulps, a piece after another."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    sqlite.make(data_dir)
    patient = sabotage(tmp_path / "sabotage", "chatapp.realtime.subscriber", PATIENT)
    with open_arena(data_dir, **patient) as arena:
        flooded(arena, reading=False)
        begun = held = pss(arena.worker) + unsent(arena.port)
        for listener in arena.listeners:
            listener.gulp = 4096
            listener.resume()
        for sender, listener in zip(arena.senders, arena.listeners, strict=True):
            last = list(sender.acknowledged.values())[-1]
            while last not in listener.shown:
                gevent.sleep(0.25)
                held = max(held, pss(arena.worker) + unsent(arena.port))
        verdict = judge(arena.database, arena.senders, arena.listeners)
        assert verdict.is_clean, verdict
        assert {listener.connections for listener in arena.listeners} == {1}
    print(f"\neach of {MANY} that read slowly: {(held - begun) / MANY / 1024:.0f} KB on top")
    # What waits while they do not read is below 256 KB (above); a piece must fit in what is left.
    assert held - begun < MANY * 100 * 1024


@pytest.mark.long
def test_a_client_that_never_reads_again_is_dropped(own_arena: Arena) -> None:
    before = own_arena.footprint()
    stopped, other = a_client_stops_reading(own_arena)
    until(lambda: own_arena.metric("chatapp_streams") == 1, "the end of the stream")
    own_arena.listeners.remove(stopped)
    stopped.stop()
    assert own_arena.verdict().is_clean
    assert (other.connections, other.told) == (1, {})
    own_arena.until_as_before(before)
    # It is an ordinary thing to happen: whoever watches for errors is not called.
    assert own_arena.server.log_lines(level="error") == []
