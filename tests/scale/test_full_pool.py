"""More calls at once than a process has connections to PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import gevent
import psycopg
import pytest

from tests.support.cluster import Cluster
from tests.support.listener import Listener
from tests.support.postgres import waiters
from tests.support.raw_http import call, connect, request_bytes
from tests.support.sabotage import sabotage
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.scale

FEW = {"CHAT_DATABASE_CONNECTIONS": "2"}
#: How long nobody in a herd waits: not even for an instant does it want more than there are.
IMPATIENT = """
from chatapp.models import engine
engine.POOL_TIMEOUT = 0.05
"""
NOT_IN_TURN = """
InTurn.__call__ = lambda self, environ, start_response: self._app(environ, start_response)
"""


def cookie_of(person: Person) -> dict[str, str]:
    cookie = person.browser().get_cookie("chat_session")
    assert cookie is not None
    return {"Cookie": f"chat_session={cookie.value}"}


def test_pages_that_are_loaded_at_once_wait_for_each_other(
    database_url: str, tmp_path: Path
) -> None:
    # All connect before the first one asks; a server hangs up on who says nothing, and a busy
    # machine may keep the last ones from it so long.
    patient = {"GUNICORN_CMD_ARGS": "--keep-alive 60"}
    with Cluster(tmp_path, database_url, None, **FEW, **patient) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        headers = cookie_of(ann)
        paths = [f"/conversations/{dm}", f"/conversations/{dm}/details", "/people"] * 10
        loads = [
            gevent.spawn(call, cluster.ports[0], "GET", path, headers=headers) for path in paths
        ]
        gevent.joinall(loads, raise_error=True)
        assert [load.get().status for load in loads] == [200] * len(paths)


def herd(
    cluster: Cluster, number: int = 5, text: str = "Missed"
) -> tuple[list[Listener], list[str]]:
    """Let 300 streams come back at once, each answered; return them, and what they had missed."""
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    cursor = call(cluster.ports[0], "GET", "/api/conversations", bob.token).headers["chat-cursor"]
    missed = [cluster.team.post(ann, dm, f"{text} {each}").id for each in range(number)]
    streams = [Listener(cluster.ports[0], bob, dm) for _ in range(300)]
    cluster.listeners += streams
    for one in streams:
        one.cursor = cursor
        one.start()
    until(lambda: all(one.is_live or one.refusals for one in streams), "an answer for each")
    return streams, missed


def impatient(folder: Path, database_url: str, code: str = "") -> Cluster:
    """Return servers with two connections, for which nobody waits, that run this code, too."""
    env = FEW | {"CHAT_STREAMS_PER_USER": "1000"}
    env |= sabotage(folder / "impatient", "chatapp.api.turns", IMPATIENT + code)
    return Cluster(folder, database_url, None, **env)


def test_a_herd_that_comes_back_is_refused_nothing(database_url: str, tmp_path: Path) -> None:
    with impatient(tmp_path, database_url) as cluster:
        streams, missed = herd(cluster)
        assert [dict(one.refusals) for one in streams if one.refusals] == []
        assert all([*one.shown] == missed for one in streams)


def test_a_herd_that_has_missed_much_reads_it_in_turn_piece_by_piece(
    database_url: str, tmp_path: Path
) -> None:
    with impatient(tmp_path, database_url) as cluster:
        streams, missed = herd(cluster, 100, "Missed " * 100)
        assert all([*one.shown] == missed for one in streams)
        # Whose piece could not be read would have been cut off, and have come back.
        assert {one.connections for one in streams} == {1}


def test_a_herd_that_did_not_wait_its_turn_would_be_refused(
    database_url: str, tmp_path: Path
) -> None:
    with impatient(tmp_path, database_url, NOT_IN_TURN) as cluster:
        streams, _ = herd(cluster)
        assert {status for one in streams for status in one.refusals} == {503}


def test_who_has_hung_up_by_then_takes_no_turn(database_url: str, tmp_path: Path) -> None:
    with (
        Cluster(tmp_path, database_url, None, **FEW) as cluster,
        psycopg.connect(database_url) as other,
    ):
        bob = cluster.team.person("bob")
        other.execute("LOCK TABLE memberships IN ACCESS EXCLUSIVE MODE")
        first = Listener(cluster.ports[0], bob).start()
        cluster.listeners.append(first)
        until(lambda: waiters(other) == 1, "the one whose turn it is")
        for _ in range(10):
            with connect(cluster.ports[0]) as sock:
                sock.sendall(request_bytes("GET", "/api/sse", bob.token))
        other.rollback()
        cluster.listen(bob, ports=cluster.ports[:1])
        opened = cluster.servers[0].log_lines(event="client_connected")
        assert len(opened) == len(cluster.listeners)
