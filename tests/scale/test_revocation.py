"""Access ends in one process and every other one ends the streams, by doorbell or without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from chatapp.cli import OPERATOR
from chatapp.domain import passwords, tokens
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User
from tests.support.cluster import Cluster
from tests.support.listener import Listener
from tests.support.raw_http import connect, read_head, request_bytes
from tests.support.redis import RedisServer
from tests.support.sabotage import sabotage
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.scale

PASSWORD = "a long enough passphrase"
Headers = dict[str, str]


def browser(cluster: Cluster, person: Person) -> Headers:
    """Return the headers of a browser that is signed in as ``person``."""
    client = person.browser()
    with client.session_transaction() as session:
        session["csrf_token"] = "planted by the test"
    cookie = client.get_cookie("chat_session")
    assert cookie is not None
    signer = URLSafeTimedSerializer(cluster.app.secret_key or "", salt="wtf-csrf-token")
    token = str(signer.dumps("planted by the test"))
    return {"Cookie": f"chat_session={cookie.value}", "X-CSRFToken": token}


def form(port: int, path: str, headers: Headers, body: str = "") -> None:
    """Send a form to one server, and see that it was taken."""
    fields = {
        **headers,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    with connect(port) as sock:
        sock.sendall(request_bytes("POST", path, None, headers=fields) + body.encode())
        assert read_head(sock)[0] == 303, path


def sign_out(cluster: Cluster, person: Person, headers: Headers) -> None:
    form(cluster.ports[1], "/sign-out", headers)


def sign_out_elsewhere(cluster: Cluster, person: Person, _: Headers) -> None:
    form(cluster.ports[1], "/profile/sessions/revoke", browser(cluster, person))


def change_password(cluster: Cluster, person: Person, _: Headers) -> None:
    hashed = passwords.hash_password(PASSWORD)
    with cluster.app.app_context(), transaction():
        db.session.get_one(User, person.id).password_hash = hashed
    body = f"old_password={PASSWORD}&password=another good passphrase".replace(" ", "%20")
    form(cluster.ports[1], "/profile/password", browser(cluster, person), body)


def deactivate(cluster: Cluster, person: Person, _: Headers) -> None:
    root = cluster.team.person(f"root-of-{person.name}", admin=True)
    form(cluster.ports[1], f"/admin/people/{person.id}/deactivate", browser(cluster, root))


def revoke_token(cluster: Cluster, person: Person, _: Headers) -> None:
    """As `flask token revoke` does: a process of its own, which rings no bell."""
    with cluster.app.app_context():
        for token in tokens.listing(OPERATOR, person.name):
            tokens.revoke(OPERATOR, token.id)


Way = Callable[[Cluster, Person, Headers], None]
#: Ways to end a browser's access through the other server, and ways to end a script's.
BROWSERS: list[Way] = [sign_out, sign_out_elsewhere, change_password]
SCRIPTS: list[Way] = [deactivate, revoke_token]


def every_stream_ends(cluster: Cluster, browsers: list[Way], scripts: list[Way]) -> None:
    """Let people listen in every process, take their access away in one, see all streams end."""
    owner = cluster.team.person("owner")
    ways = [*browsers, *scripts]
    people = cluster.team.people(*(way.__name__.replace("_", "-") for way in ways))
    group = cluster.team.group(owner, *people)
    headers = [browser(cluster, person) for person in people]
    streams: list[list[Listener]] = []
    for way, person, sent in zip(ways, people, headers, strict=True):
        own = sent if way in browsers else None
        before = len(cluster.listeners)
        cluster.listen(person, group, headers=own)
        streams.append(cluster.listeners[before:])
    for way, person, sent in zip(ways, people, headers, strict=True):
        way(cluster, person, sent)
    for way, listeners in zip(ways, streams, strict=True):
        until(lambda own=listeners: all(one.refusals[401] for one in own), way.__name__)  # type: ignore[misc]
    for listener in cluster.listeners:
        assert listener.told == {"reconnect:revoked": 1}
        assert listener.connections == 1


def test_the_doorbell_alone_ends_streams_of_every_process(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = sabotage(tmp_path / "no-poll", "chatapp.realtime.follower", "POLL = 3600")
    with Cluster(tmp_path, database_url, redis_server.url, **env) as cluster:
        cluster.until_all_say(code="200", status="ok", doorbell="ok")
        # Not a revoked token: a command rings no bell, so the look at the log brings that.
        every_stream_ends(cluster, BROWSERS, [deactivate])


def test_streams_of_every_process_end_with_redis_down_too(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    redis_server.kill()
    every_stream_ends(cluster, BROWSERS, SCRIPTS)
