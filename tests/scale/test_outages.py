"""PostgreSQL goes away and comes back: what was said meanwhile, and what heals."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import gevent
import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from chatapp import create_app
from chatapp.domain import log
from chatapp.extensions import db
from tests.support.cluster import Cluster
from tests.support.postgres import Postgres
from tests.support.raw_http import Answer, call
from tests.support.sabotage import sabotage
from tests.support.settings import settings_for
from tests.support.wait import until

pytestmark = pytest.mark.scale

#: A process's connections in these clusters.
CONNECTIONS = 10


def reads_at_once(cluster: Cluster, token: str, path: str) -> list[Answer]:
    calls = [gevent.spawn(call, cluster.ports[0], "GET", path, token) for _ in range(40)]
    gevent.joinall(calls, raise_error=True)
    return [one.get() for one in calls]


def kill_worker(cluster: Cluster) -> None:
    """As the kernel does when memory runs out."""
    cluster.kill(cluster.workers()[0], signal.SIGKILL)


def reload(cluster: Cluster) -> None:
    cluster.servers[0].signal(signal.SIGHUP)


@pytest.mark.parametrize("disturb", [kill_worker, reload])
def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(
    mortal: Postgres, mortal_url: str, tmp_path: Path, disturb: Callable[[Cluster], None]
) -> None:
    with Cluster(tmp_path, mortal_url, None) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        cluster.listen(bob, dm)
        cluster.send(ann, dm, cluster.ports[0])
        cluster.until_acknowledged(3)
        mortal.stop()
        disturb(cluster)
        waits = {"level": "error", "logger": "chatapp.delivery"}
        until(lambda: cluster.servers[0].log_lines(**waits), "another worker, which waits")
        theirs = [one for one in cluster.listeners if one.port == cluster.ports[0]]
        until(lambda: all(one.refusals[503] for one in theirs), "streams that are told to wait")
        gevent.get_hub().threadpool.apply(mortal.start)
        cluster.until_acknowledged(3)
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert {*theirs[0].refusals} == {503}
        assert len(cluster.servers[0].log_lines(**waits)) == 1


def sessions(postgres: Postgres, url: str) -> int:
    name = url.rpartition("/")[2]
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    return int(postgres.execute(query)[0][0])


def statuses_after_a_restart(
    mortal: Postgres, mortal_url: str, folder: Path, **env: str
) -> list[int]:
    """Fill a pool, restart PostgreSQL while nobody calls, and call as often again."""
    with Cluster(folder, mortal_url, None, **env) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        path = f"/api/messages?directMessageId={cluster.team.dm(ann, bob)}"
        others = sessions(mortal, mortal_url)
        until(
            lambda: (
                reads_at_once(cluster, bob.token, path)
                and sessions(mortal, mortal_url) >= others + CONNECTIONS - 2
            ),
            "a full pool",
        )
        mortal.stop(signal.SIGINT)
        mortal.start()
        until(lambda: cluster.ready()["code"] == "200", "a server that is ready")
        return [answer.status for answer in reads_at_once(cluster, bob.token, path)]


def test_no_call_fails_once_a_restart_has_healed(
    mortal: Postgres, mortal_url: str, tmp_path: Path
) -> None:
    assert set(statuses_after_a_restart(mortal, mortal_url, tmp_path)) == {200}


def test_without_a_look_at_pooled_connections_some_calls_would_fail(
    mortal: Postgres, mortal_url: str, tmp_path: Path
) -> None:
    unseen = "_check_open = lambda *_: None"
    env = sabotage(tmp_path / "unseen", "chatapp.models.engine", unseen)
    statuses = statuses_after_a_restart(mortal, mortal_url, tmp_path, **env)
    assert 503 in statuses


def say_read_only(postgres: Postgres, to: str) -> None:
    """Let every session of it, old and new, only read: as a primary that was demoted does."""
    postgres.execute(f"ALTER SYSTEM SET default_transaction_read_only = {to}")
    postgres.execute("SELECT pg_reload_conf()")


def groups_made_at_once(cluster: Cluster, token: str) -> set[int]:
    """Write by as many connections as there are; return the statuses."""
    body = {"name": "Many", "private": True}
    calls = [
        gevent.spawn(call, cluster.ports[0], "POST", "/api/groups", token, body)
        for _ in range(2 * CONNECTIONS)
    ]
    gevent.joinall(calls, raise_error=True)
    return {one.get().status for one in calls}


def test_a_database_that_may_only_be_read_is_a_503_until_it_may_be_written_to(
    mortal: Postgres, mortal_url: str, tmp_path: Path
) -> None:
    with Cluster(tmp_path, mortal_url, None) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        cluster.listen(bob, dm)
        assert groups_made_at_once(cluster, ann.token) == {201}
        say_read_only(mortal, "on")
        until(lambda: groups_made_at_once(cluster, ann.token) == {503}, "503 for all")
        sender = cluster.send(ann, dm, cluster.ports[0])
        until(lambda: sender.failures["503"], "a message that waits")
        cluster.until_all_say(code="503", database="read-only")
        say_read_only(mortal, "off")
        cluster.until_acknowledged(1)
        cluster.until_all_say(code="200", database="ok")
        assert groups_made_at_once(cluster, ann.token) == {201}
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert cluster.failures() == {"503"}
        assert {listener.connections for listener in cluster.listeners} == {1}


def test_an_address_may_name_a_server_that_only_reads(
    mortal: Postgres, mortal_url: str, tmp_path: Path
) -> None:
    with Cluster(tmp_path, f"{mortal_url}?target_session_attrs=any", None) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        path = f"/api/messages?directMessageId={cluster.team.dm(ann, bob)}"
        name = mortal_url.rpartition("/")[2]
        cookie = bob.browser().get_cookie("chat_session")
        assert cookie is not None
        # As if it had last been used so long ago that it is time to write down that it is.
        mortal.execute("UPDATE sessions SET last_seen_at = now() - interval '2 hours'", name)
        say_read_only(mortal, "on")
        cluster.until_all_say(code="503", database="read-only")
        assert groups_made_at_once(cluster, ann.token) == {503}
        assert call(cluster.ports[0], "GET", path, bob.token).status == 200
        with httpx.Client(cookies={"chat_session": cookie.value}, verify=False) as browser:
            assert browser.get(cluster.servers[0].url + path).status_code == 200
        say_read_only(mortal, "off")
        cluster.until_all_say(code="200", database="ok")
        assert groups_made_at_once(cluster, ann.token) == {201}


def test_a_connection_that_breaks_while_a_session_has_it_is_replaced(
    postgres: Postgres, database_url: str, tmp_path: Path
) -> None:
    app = create_app(settings_for(tmp_path / "database", CHAT_DATABASE_CONNECTIONS="2"))
    with app.app_context():
        process = db.session.scalar(select(func.pg_backend_pid()))
        postgres.execute(f"SELECT pg_terminate_backend({process})")
        with pytest.raises(OperationalError):
            log.head()
        db.session.remove()
        assert log.head().position == 0
        db.engine.dispose()
