"""One server to a PostgreSQL without Redis: a second one would hear the first one late."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chatapp.sole_server import SoleServer
from tests.scale.refusals import one_line, refusal
from tests.support.postgres import Postgres
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.server import Server
from tests.support.wait import until

pytestmark = pytest.mark.scale

LOCKS = """
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@pytest.fixture
def env(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url}


def holders(database_url: str) -> list[Any]:
    """Return the processes of PostgreSQL that hold a lock of ours."""
    with closing(psycopg.connect(database_url)) as connection:
        return [pid for (pid,) in connection.execute(LOCKS)]


def test_a_second_server_without_redis_says_why_and_leaves(
    env: dict[str, str], tmp_path: Path
) -> None:
    with Server(tmp_path / "one", None, **env) as one:
        said = one_line(refusal(tmp_path / "two", **env))
        assert "another chatapp serves this database" in said
        assert "REDIS_URL" in said
        assert one.answers()
    with Server(tmp_path / "two", None, **env) as two:
        assert two.answers()


def test_one_that_has_redis_is_let_in(
    env: dict[str, str], redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        Server(tmp_path / "one", None, **env),
        Server(tmp_path / "two", None, REDIS_URL=redis_server.url, **env) as two,
    ):
        assert call(two.port, "GET", "/readyz").json["database"] == "ok"


def test_a_reload_keeps_the_lock(env: dict[str, str], tmp_path: Path) -> None:
    with Server(tmp_path / "one", None, **env) as one:
        before = holders(env["DATABASE_URL"])
        one.signal(signal.SIGHUP)
        until(lambda: "Worker exiting" in one.output(), "the old worker to leave")
        until(one.answers, "the new one to serve")
        assert holders(env["DATABASE_URL"]) == before
        assert "another chatapp" in refusal(tmp_path / "two", **env)


def test_the_orphans_of_a_killed_arbiter_take_the_lock_with_them(
    env: dict[str, str], tmp_path: Path
) -> None:
    with Server(tmp_path / "one", None, **env) as one:
        one.signal(signal.SIGKILL)
        one.wait()
        until(lambda: not holders(env["DATABASE_URL"]), "the orphans to leave")
        one.start()
        assert len(holders(env["DATABASE_URL"])) == 1


def test_the_lock_comes_back_with_postgresql(
    mortal: Postgres, mortal_url: str, tmp_path: Path
) -> None:
    env = {"DATABASE_URL": mortal_url}
    with Server(tmp_path / "one", None, **env) as one:
        (before,) = holders(mortal_url)
        mortal.restart()
        until(lambda: holders(mortal_url), "the lock to be taken anew")
        assert holders(mortal_url) != [before]
        assert "another chatapp" in refusal(tmp_path / "two", **env)
        assert one.answers()


def test_a_frozen_postgresql_is_given_up(mortal: Postgres, mortal_url: str) -> None:
    lock = SoleServer(mortal_url)
    with mortal.frozen():
        assert lock.take()  # for all that it can know; the arbiter goes on
    assert holders(mortal_url) == []
    lock.keep()
    assert len(holders(mortal_url)) == 1
    lock.let_go()
