"""Scenes about the doorbell: of what nobody is told, and who hears of it all the same."""

from __future__ import annotations

from tests.support.cluster import Cluster
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.team import Person
from tests.support.wait import until

#: Without the follower's own look at the log, nothing is heard of but by a ring.
NO_POLL = """
from chatapp.realtime import follower
follower.POLL = 3600
"""
#: A first subscription that is confirmed, looks alive, and hears nothing of what is published.
DEAF_AT_FIRST = """
_subscribe = PubSub.subscribe
_calls = []

def subscribe(subscription, *channels):
    _calls.append(channels)
    return _subscribe(subscription, *(channels if len(_calls) > 1 else ["nowhere"]))

PubSub.subscribe = subscribe
"""


def listen_for(cluster: Cluster) -> tuple[Person, str]:
    """Let somebody listen on both servers; return who writes to them, and where.

    By then the processes have heard that they are subscribed, which is a ring, too.
    """
    cluster.until_all_say(doorbell="ok")
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    cluster.listen(bob, dm)
    return ann, dm


def say(cluster: Cluster, ann: Person, dm: str, text: str) -> None:
    """Say something to the first server."""
    body = {"directMessageId": dm, "content": text}
    assert call(cluster.ports[0], "POST", "/api/messages", ann.token, body).status == 201


def until_all_show(cluster: Cluster, text: str) -> None:
    """Wait until every client of both servers shows it."""
    until(
        lambda: all(text in listener.shown.values() for listener in cluster.listeners),
        f"{text!r} in every stream",
    )


def say_while_cut(cluster: Cluster, redis_server: RedisServer, text: str) -> tuple[Person, str]:
    """Say something while no process is subscribed, and then let them subscribe again.

    Returns who said it, and where.
    """
    ann, dm = listen_for(cluster)
    redis_server.call("ACL", "SETUSER", "default", "-subscribe")
    redis_server.call("CLIENT", "KILL", "TYPE", "pubsub")
    until(lambda: redis_server.listeners() == 0, "no subscription")
    with redis_server.overheard("chatapp:*") as heard:
        say(cluster, ann, dm, text)
        until(lambda: any(said.startswith(b"ring ") for said in heard()), "a ring")
    redis_server.call("ACL", "SETUSER", "default", "+subscribe")
    return ann, dm
