"""Who is online, on several processes: told through Redis, ended by expiry, healed by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.scale

QUICK = "BEAT, GRACE, REFRESH, EXPIRY = 0.1, 0.5, 1.0, 2.5"


@pytest.fixture
def cluster(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Cluster]:
    """Two servers of one worker each, so that one knows which a call reaches."""
    env = sabotage(tmp_path / "quick", "chatapp.realtime.presence", QUICK)
    with Cluster(tmp_path, database_url, redis_server.url, WEB_CONCURRENCY="1", **env) as running:
        yield running


def online(cluster: Cluster, asker: Person, server: int) -> set[str]:
    """Return who is online, as one server knows it."""
    return set(call(cluster.ports[server], "GET", "/api/presence", asker.token).json["online"])


def both_say(cluster: Cluster, *people: Person) -> None:
    """Wait until both servers say that these are online, and nobody else."""
    wanted = {person.id for person in people}
    until(
        lambda: all(online(cluster, people[0], server) == wanted for server in (0, 1)),
        f"both servers know of {len(wanted)}",
    )


def apart(cluster: Cluster) -> tuple[Person, Person]:
    """Return two people, one on each server, whom both servers know of."""
    ann, bob = cluster.team.people("ann", "bob")
    for port, person in zip(cluster.ports, (ann, bob), strict=True):
        cluster.listen(person, ports=[port])
    both_say(cluster, ann, bob)
    return ann, bob


def test_processes_tell_each_other_who_comes_and_goes(cluster: Cluster) -> None:
    ann, bob = apart(cluster)
    hers, his = cluster.listeners[:3], cluster.listeners[3:]
    until(lambda: all(bob.id in listener.online for listener in hers), "ann's streams hear of bob")
    for listener in his:
        listener.stop()
    both_say(cluster, ann)
    until(lambda: all(bob.id not in one.online for one in hers), "ann's streams hear that he left")


def test_a_killed_process_takes_its_people_with_it(cluster: Cluster) -> None:
    ann, bob = apart(cluster)
    hers, his = cluster.listeners[:3], cluster.listeners[3:]
    for listener in his:
        listener.delay = 3600
    cluster.servers[1].kill()
    until(lambda: online(cluster, ann, 0) == {ann.id}, "the claims have expired")
    until(lambda: all(bob.id not in one.online for one in hers), "ann's streams hear of it")


def test_who_moves_from_a_killed_process_to_another_never_goes(cluster: Cluster) -> None:
    ann, bob = apart(cluster)
    hers, his = cluster.listeners[:3], cluster.listeners[3:]
    for listener in his:
        listener.port = cluster.ports[0]
    cluster.servers[1].kill()
    until(lambda: all(one.is_live and one.connections > 1 for one in his), "bob is back")
    eve = cluster.team.person("eve")
    cluster.listen(eve, ports=[cluster.ports[0]])
    until(lambda: all(eve.id in one.online for one in hers), "eve is heard of")
    for listener in cluster.listeners[6:]:
        listener.stop()
    # Later than the claims of the dead process expired: they are as old as eve's stay.
    until(lambda: all(eve.id not in one.online for one in hers), "eve has left")
    assert all(bob.id not in one.went for one in hers)
    assert online(cluster, ann, 0) == {ann.id, bob.id}


def test_with_redis_down_each_process_knows_its_own_and_heals(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    ann, bob = apart(cluster)
    redis_server.kill()
    until(lambda: online(cluster, ann, 0) == {ann.id}, "one server is alone")
    until(lambda: online(cluster, ann, 1) == {bob.id}, "the other one, too")
    redis_server.start()
    both_say(cluster, ann, bob)


def test_a_frozen_process_comes_back_with_its_people(cluster: Cluster) -> None:
    ann, bob = apart(cluster)
    worker = cluster.workers()[1]
    cluster.kill(worker, signal.SIGSTOP)
    until(lambda: online(cluster, ann, 0) == {ann.id}, "its claims have expired")
    cluster.kill(worker, signal.SIGCONT)
    both_say(cluster, ann, bob)
