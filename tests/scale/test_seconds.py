"""How long it takes until all is well after PostgreSQL or Redis was away, as clients see it.

For a machine that does nothing else: these judge time, so they run with `scripts/faults --long`
alone, and print what docs/RELIABILITY.md shows. That nothing is lost the quick tests show, too.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import gevent
import psycopg
import pytest

from tests.scale.bells import listen_for, say, until_all_show
from tests.support.cluster import Cluster
from tests.support.databases import migrated
from tests.support.elsewhere import Elsewhere
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer

pytestmark = [pytest.mark.scale, pytest.mark.long]

#: Seconds in which others hear of a message whatever Redis does, and in which all is well again.
HEARD, BACK = 5, 10
#: Seconds for which something is away: longer than any patience of a process with PostgreSQL, 18.
AWAY = 25
#: Messages that are sent while Redis is away.
TRIES = 8


class Place(NamedTuple):
    """Where the server that is to fail lives."""

    network: Elsewhere
    folder: Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Elsewhere() as network:
        yield Place(network, tmp_path)


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def aside(work: Callable[[], None]) -> None:
    """Do it while the clients of this process go on."""
    gevent.get_hub().threadpool.apply(work)


@contextmanager
def killed(redis: RedisServer, _: Place) -> Iterator[None]:
    redis.kill()
    yield
    aside(redis.start)


@contextmanager
def restarted(redis: RedisServer, _: Place) -> Iterator[None]:
    redis.kill()
    aside(redis.start)
    yield


@contextmanager
def frozen(redis: RedisServer, _: Place) -> Iterator[None]:
    redis.freeze()
    yield
    redis.thaw()


@contextmanager
def cut(redis: RedisServer, _: Place) -> Iterator[None]:
    redis.call("CLIENT", "KILL", "TYPE", "pubsub")
    redis.call("CLIENT", "KILL", "TYPE", "normal")
    yield


@contextmanager
def unreached(_: object, place: Place) -> Iterator[None]:
    place.network.drop_packets()
    yield
    place.network.deliver_packets()


@pytest.mark.parametrize("fault", [killed, restarted, frozen, cut, unreached])
def test_whatever_redis_does_others_hear_in_time_and_it_heals(
    fault: Callable[[RedisServer, Place], AbstractContextManager[None]],
    database_url: str,
    place: Place,
) -> None:
    with (
        RedisServer(place.network) as redis,
        Cluster(place.folder, database_url, redis.url) as cluster,
    ):
        ann, dm = listen_for(cluster)
        cluster.until_all_say(code="200", status="ok", doorbell="ok")

        def posted_and_heard(number: int) -> tuple[float, float]:
            text = f"Number {number}"
            return (
                seconds(lambda: say(cluster, ann, dm, text)),
                seconds(lambda: until_all_show(cluster, text)),
            )

        usual = [posted_and_heard(number) for number in range(TRIES)]
        with fault(redis, place):
            taken = [posted_and_heard(number) for number in range(TRIES, 2 * TRIES)]
        back = seconds(lambda: cluster.until_all_say(code="200", status="ok", doorbell="ok"))
        posts, heard = (max(each) for each in zip(*taken, strict=True))
        print(
            f"\nRedis {fault.__name__}: posts took {posts:.2f} s at most, others heard after"
            f" {heard:.2f} (else {max(usual)[1]:.2f}); all say ok {back:.1f} s after it was back"
        )
        assert posts < 1
        assert heard < HEARD
        assert back < BACK
        assert {listener.connections for listener in cluster.listeners} == {1}


def stop_and_start(how: int, away: float) -> Callable[[Postgres, Place], None]:
    def do(postgres: Postgres, _: Place) -> None:
        aside(lambda: postgres.stop(how))
        gevent.sleep(away)
        aside(postgres.start)

    return do


def freeze(postgres: Postgres, _: Place) -> None:
    with postgres.frozen():
        gevent.sleep(AWAY)


def drop_packets(_: Postgres, place: Place) -> None:
    with place.network.silent():
        gevent.sleep(AWAY)


def cut_clients(postgres: Postgres, place: Place) -> None:
    with psycopg.connect(postgres.url()) as connection:
        found = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'chatapp'"
        ).fetchall()
    assert len(found) >= 4


DATABASE_FAULTS = {
    "restarted at once": stop_and_start(signal.SIGQUIT, 0),
    "restarted in order": stop_and_start(signal.SIGINT, 0),
    "killed, and away": stop_and_start(signal.SIGKILL, AWAY),
    "frozen": freeze,
    "behind a dead network": drop_packets,
    "its clients cut": cut_clients,
}


@pytest.mark.parametrize("name", DATABASE_FAULTS)
def test_soon_after_postgresql_is_back_everybody_posts_again(
    name: str, redis_server: RedisServer, place: Place
) -> None:
    with (
        Postgres(place.network, durable=True) as postgres,
        Cluster(place.folder, migrated(postgres, place.folder), redis_server.url) as cluster,
    ):
        cluster.storm()
        cluster.until_acknowledged(5)
        away = seconds(lambda: DATABASE_FAULTS[name](postgres, place))
        posts = seconds(lambda: cluster.until_acknowledged(1))
        ready = posts + seconds(lambda: cluster.until_all_say(code="200", status="ok"))
        verdict = cluster.verdict()
        longest = max(sender.longest for sender in cluster.senders)
        print(
            f"\nPostgreSQL {name}, for {away:.1f} s: everybody posts again {posts:.1f} s later, and"
            f" all say ok after {ready:.1f}; the longest send took {longest:.1f} s; {verdict}"
        )
        assert verdict.is_clean
        assert cluster.failures() <= {"503"}
        assert posts < BACK
        assert ready < BACK
        assert {listener.connections for listener in cluster.listeners} == {1}
