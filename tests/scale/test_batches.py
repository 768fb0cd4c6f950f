"""Posts that share one statement and one commit: what one of them does is no other's business."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import DataError

from chatapp import create_app
from chatapp.domain import groups, log, messages, postgresql_posts
from chatapp.domain.errors import Conflict, DomainError, NotFound
from chatapp.extensions import db
from tests.support.cluster import Cluster
from tests.support.databases import PostgresDatabases
from tests.support.raw_http import call
from tests.support.settings import settings_for
from tests.support.statements import recorded
from tests.support.team import Person, Team

pytestmark = pytest.mark.scale


@pytest.fixture
def app(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Flask]:
    postgres_databases.make(tmp_path)
    app = create_app(settings_for(tmp_path))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def team(app: Flask) -> Team:
    return Team(app)


def post(
    app: Flask, author: Person, conversation: str, text: str, client_id: str | None = None
) -> messages.Posted | Exception:
    """Post; return what the author was told."""
    with app.app_context():
        try:
            return messages.post(author.identity, conversation, text, client_id)
        except (DomainError, DataError) as error:
            return error


def together(app: Flask, *posts: tuple[Any, ...]) -> list[messages.Posted | Exception]:
    """Post all in one turn of the event loop; return what each author was told."""
    greenlets = [gevent.spawn(post, app, *one) for one in posts]
    gevent.joinall(greenlets, raise_error=True)
    return [greenlet.get() for greenlet in greenlets]


def batches(statements: list[str]) -> int:
    """Return how many statements that post were sent."""
    return sum(statement == postgresql_posts.POST for statement in statements)


def positions(told: list[messages.Posted | Exception]) -> list[int]:
    return [one.message.position for one in told if isinstance(one, messages.Posted)]


def logged(app: Flask) -> list[str | None]:
    """Return the messages that the log tells of, after checking that it has no hole."""
    with app.app_context():
        rows, head = log.after(0, 10_000), log.head()
    assert [row.position for row in rows] == list(range(1, head.position + 1))
    return [row.subject_id for row in rows if row.type == "message:created"]


def test_posts_of_one_turn_are_one_statement_in_their_order(app: Flask, team: Team) -> None:
    people = team.people(*(f"p{number}" for number in range(16)))
    group = team.group(*people)
    with recorded(app) as statements:
        told = together(app, *((one, group, one.name) for one in people))
    assert batches(statements) == 1
    assert not [statement for statement in statements if statement.startswith("INSERT")]
    first = positions(told)[0]
    assert positions(told) == list(range(first, first + 16))
    assert logged(app) == [one.message.id for one in told if isinstance(one, messages.Posted)]


def test_a_post_that_is_refused_leaves_its_neighbours_alone(app: Flask, team: Team) -> None:
    ann, bob, eve = team.people("ann", "bob", "eve")
    dm, group, archived = team.dm(ann, bob), team.group(ann, bob), team.group(ann, bob, name="Old")
    with app.app_context():
        groups.change(ann.identity, archived, archived=True)
    earlier = post(app, ann, dm, "Before", "used")
    assert isinstance(earlier, messages.Posted)
    told = together(
        app,
        (ann, dm, "1"),
        (eve, dm, "Nothing of hers"),
        (bob, group, "2", "twice"),
        (ann, archived, "Too late"),
        (ann, group, "Another text", "used"),
        (bob, group, "2", "twice"),
        (ann, dm, "Before", "used"),
        (bob, dm, "3"),
    )
    kinds = [type(one) for one in told]
    posted = messages.Posted
    assert kinds == [posted, NotFound, posted, Conflict, Conflict, posted, posted, posted]
    made = [one.created for one in told if isinstance(one, posted)]
    assert made == [True, True, False, False, True]
    assert told[6] == earlier._replace(created=False)
    assert len(logged(app)) == 4


def test_a_value_that_postgresql_refuses_undoes_no_neighbours_post(app: Flask, team: Team) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    with recorded(app) as statements:
        told = together(app, (ann, dm, "1"), (bob, dm, "Bad", "c" * 101), (ann, dm, "2"))
    assert batches(statements) == 1
    assert len(positions(told)) == 2
    assert "too long" in str(told[1])
    assert len(logged(app)) == 2


def test_a_send_that_came_through_another_process_is_found(
    app: Flask, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the batch's look and its insert: the key refuses, and each goes by itself."""
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    first = post(app, ann, dm, "Once", "same")
    blind = postgresql_posts.POST.replace("earlier.client_id = asked.client_id", "false")
    assert blind != postgresql_posts.POST
    monkeypatch.setattr(postgresql_posts, "POST", blind)
    told = together(app, (ann, dm, "Once", "same"), (bob, dm, "Mine"))
    assert isinstance(first, messages.Posted)
    assert told[0] == first._replace(created=False)
    assert isinstance(told[1], messages.Posted)
    assert len(logged(app)) == 2


#: The rows that a post in a group must have for itself, by the group and its author.
HELD = {
    "conversation": "SELECT FROM conversations WHERE id = %(group)s",
    "membership": "SELECT FROM memberships WHERE conversation_id = %(group)s AND user_id = %(me)s",
}


@pytest.mark.parametrize("held", HELD)
def test_a_post_that_waits_for_a_lock_waits_alone(
    held: str, database_url: str, tmp_path: Path
) -> None:
    with Cluster(tmp_path, database_url, None) as cluster, psycopg.connect(database_url) as other:
        ann, bob = cluster.team.people("ann", "bob")
        dm, group = cluster.team.dm(ann, bob), cluster.team.group(ann, bob)
        rows = f"{HELD[held]} FOR UPDATE".encode()
        other.execute(rows, {"group": group, "me": ann.id})
        waits = gevent.spawn(say, cluster, ann, "groupId", group)
        for _ in range(20):
            assert say(cluster, bob, "directMessageId", dm) == 201
        assert not waits.ready()
        other.rollback()
        assert waits.get() == 201


def say(cluster: Cluster, author: Person, field: str, conversation: str) -> int:
    """Post through the first server; return the status."""
    body = {field: conversation, "content": "Hello"}
    return call(cluster.ports[0], "POST", "/api/messages", author.token, body).status
