"""PostgreSQL, slow, full, restarted, and raced for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest

from tests.scale.silence import expect_503_until_it_speaks
from tests.support.cluster import Cluster
from tests.support.databases import migrated
from tests.support.postgres import Postgres
from tests.support.raw_http import Answer, call
from tests.support.redis import RedisServer
from tests.support.wait import until

pytestmark = pytest.mark.scale


def at_once(ports: list[int], token: str, path: str, bodies: list[Any]) -> list[Answer]:
    """Post every body at the same time, to the servers in turn."""
    calls = [
        gevent.spawn(call, ports[number % len(ports)], "POST", path, token, body)
        for number, body in enumerate(bodies)
    ]
    gevent.joinall(calls, raise_error=True)
    return [greenlet.get() for greenlet in calls]


@pytest.fixture
def log_held(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody who holds the log's counter row: no post can finish until they let go."""
    with psycopg.connect(database_url) as connection:
        yield connection


def hold(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SELECT * FROM log_head FOR UPDATE")


def test_a_post_that_waits_for_the_database_holds_up_nobody_else(
    cluster: Cluster, log_held: psycopg.Connection[Any]
) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    hold(log_held)
    body = {"directMessageId": dm, "content": "Held up"}
    waiting = [
        gevent.spawn(call, port, "POST", "/api/messages", ann.token, body)
        for port in cluster.ports * 2
    ]
    # Posts of one worker wait as one; which worker gets a call is the kernel's choice.
    until(lambda: waiters(log_held) >= 2, "posts to two servers that wait for the log")
    for port in cluster.ports * 4:
        assert call(port, "GET", "/healthz").status == 200
        path = f"/api/messages?directMessageId={dm}"
        assert call(port, "GET", path, bob.token).json == []
    assert not any(greenlet.ready() for greenlet in waiting)
    log_held.commit()
    gevent.joinall(waiting, raise_error=True)
    assert [greenlet.get().status for greenlet in waiting] == [201] * 4


def waiters(connection: psycopg.Connection[Any]) -> int:
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_a_full_pool_is_a_503_that_says_when_to_come_back(
    database_url: str, tmp_path: Path, log_held: psycopg.Connection[Any]
) -> None:
    with Cluster(tmp_path, database_url, None, CHAT_DATABASE_CONNECTIONS="2") as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        ids = [cluster.team.post(ann, dm, "Room enough").id for _ in range(5)]
        hold(log_held)
        body = {"content": "Full"}
        calls = [
            gevent.spawn(call, cluster.ports[0], "PATCH", f"/api/messages/{id_}", ann.token, body)
            for id_ in ids
        ]
        until(lambda: sum(greenlet.ready() for greenlet in calls) >= 3, "three refusals")
        log_held.commit()
        gevent.joinall(calls, raise_error=True)
        answers = sorted((one.get() for one in calls), key=lambda answer: answer.status)
        assert [answer.status for answer in answers] == [200, 200, 503, 503, 503]
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[-1].headers["content-type"] == "application/problem+json"
        body = {"directMessageId": dm, "content": "Room again"}
        assert call(cluster.ports[0], "POST", "/api/messages", ann.token, body).status == 201


def test_posts_that_wait_too_long_for_the_ones_before_are_told_when_to_come_back(
    database_url: str, tmp_path: Path, log_held: psycopg.Connection[Any]
) -> None:
    with Cluster(tmp_path, database_url, None) as cluster:
        ann, bob = cluster.team.people("ann", "bob")
        dm = cluster.team.dm(ann, bob)
        hold(log_held)
        body = {"directMessageId": dm, "content": "Long"}
        first = gevent.spawn(call, cluster.ports[0], "POST", "/api/messages", ann.token, body)
        until(lambda: waiters(log_held) == 1, "a post that waits for the log")
        others = [
            gevent.spawn(call, cluster.ports[0], "POST", "/api/messages", ann.token, body)
            for _ in range(4)
        ]
        gevent.joinall(others, raise_error=True)
        assert [one.get().status for one in others] == [503] * 4
        assert {one.get().headers["retry-after"] for one in others} == {"1"}
        assert not first.ready()
        log_held.commit()
        assert first.get().status == 201
        messages = call(cluster.ports[0], "GET", f"/api/messages?directMessageId={dm}", bob.token)
        assert len(messages.json) == 1


def test_the_same_send_through_four_workers_is_one_message(shared_cluster: Cluster) -> None:
    ann, bob = shared_cluster.team.people("ann", "bob")
    dm = shared_cluster.team.dm(ann, bob)
    shared_cluster.listen(bob, dm)
    body = {"directMessageId": dm, "content": "Once", "clientId": "the-same"}
    answers = at_once(shared_cluster.ports, ann.token, "/api/messages", [body] * 20)
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1
    shared_cluster.send(ann, dm, shared_cluster.ports[0])
    shared_cluster.until_acknowledged(1)
    assert shared_cluster.verdict().is_clean


def test_one_client_id_for_two_conversations_at_once_is_one_message_and_conflicts(
    shared_cluster: Cluster,
) -> None:
    ann, *others = shared_cluster.team.people("ann", "bob", "cat", "dan", "eve")
    dms = [shared_cluster.team.dm(ann, other) for other in others]
    bodies = [{"directMessageId": dm, "content": "Once", "clientId": "same"} for dm in dms]
    answers = at_once(shared_cluster.ports, ann.token, "/api/messages", bodies)
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]


def test_a_direct_message_opened_by_both_at_once_is_one(shared_cluster: Cluster) -> None:
    path = "/api/direct-messages"
    ann, *others = shared_cluster.team.people("ann", *(f"other{number}" for number in range(6)))
    for other in others:
        calls = [
            gevent.spawn(call, port, "POST", path, me.token, {"userIds": [you.id]})
            for port in shared_cluster.ports
            for me, you in ((ann, other), (other, ann))
        ]
        gevent.joinall(calls, raise_error=True)
        answers = [greenlet.get() for greenlet in calls]
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 201]
        assert len({answer.json["id"] for answer in answers}) == 1


def test_the_same_person_added_by_many_at_once_joins_once(shared_cluster: Cluster) -> None:
    owner, new, *members = shared_cluster.team.people("owner", "new", *(f"m{n}" for n in range(4)))
    group = shared_cluster.team.group(owner, *members)
    calls = [
        gevent.spawn(
            call,
            shared_cluster.ports[number % 2],
            "POST",
            f"/api/groups/{group}/members",
            member.token,
            {"userIds": [new.id]},
        )
        for number, member in enumerate(members * 2)
    ]
    gevent.joinall(calls, raise_error=True)
    assert {greenlet.get().status for greenlet in calls} == {200}
    everybody = call(
        shared_cluster.ports[0], "GET", f"/api/conversations/{group}", owner.token
    ).json
    assert sorted(everybody["memberIds"]) == sorted(p.id for p in (owner, new, *members))


def test_immediate_restarts_under_load_lose_nothing_that_was_acknowledged(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        Postgres(durable=True) as postgres,
        Cluster(tmp_path, migrated(postgres, tmp_path), redis_server.url) as cluster,
    ):
        cluster.storm()
        for _ in range(5):
            cluster.until_acknowledged(3)
            postgres.restart_aside()
        cluster.until_acknowledged(3)
        streams = {listener.connections for listener in cluster.listeners}
        cluster.until_all_say(code="200", status="ok")
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert streams == {1}
        assert cluster.failures() <= {"503"}


def test_a_frozen_postgresql_is_a_503_until_it_goes_on(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        Postgres() as postgres,
        Cluster(tmp_path, migrated(postgres, tmp_path), redis_server.url) as cluster,
    ):
        expect_503_until_it_speaks(cluster, postgres.frozen())


def test_connections_that_are_cut_fail_what_they_carried_and_lose_nothing(
    cluster: Cluster, database_url: str
) -> None:
    """As by an administrator, a pooler's restart or a firewall: PostgreSQL itself runs on."""
    cluster.storm()
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatapp'"
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(5):
            cluster.until_acknowledged(3)
            found = connection.execute(f"{cut} AND datname = current_database()").fetchall()
            assert len(found) >= len(cluster.workers())
    cluster.until_acknowledged(3)
    streams = {listener.connections for listener in cluster.listeners}
    verdict = cluster.verdict()
    assert verdict.is_clean, verdict
    assert streams == {1}
    assert cluster.failures() <= {"503"}
