"""Verbs that lock the same rows, each stepped to where it would wait for the other.

A connection of the test's own holds a row, verbs queue up behind it, and once PostgreSQL says that
they do it lets go. Two that lock in different orders then wait for each other, which PostgreSQL
ends after a second by failing one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from chatapp import create_app
from chatapp.domain import accounts, groups, log, messages, read_state, retention, tokens
from chatapp.domain.errors import Conflict, NotFound
from chatapp.extensions import db
from tests.support.databases import PostgresDatabases
from tests.support.postgres import waiters
from tests.support.settings import settings_for
from tests.support.team import Person, Team
from tests.support.wait import until

pytestmark = pytest.mark.scale

Connection = psycopg.Connection[Any]


class Stage:
    """People, their group, and rows that are held."""

    def __init__(self, app: Flask, url: str, pool: ThreadPoolExecutor) -> None:
        self._app, self._url, self._pool = app, url, pool
        self._held: list[Connection] = []
        self.watch = psycopg.connect(url, autocommit=True)
        team = Team(app)
        self.ann, self.bob = team.people("ann", "bob")
        self.root, self.other = (team.person(name, admin=True) for name in ("root", "other"))
        self.group = team.group(self.ann, self.bob)
        self.first = team.post(self.bob, self.group, "First").id
        self.log = "SELECT FROM log_head"
        self.conversation = f"SELECT FROM conversations WHERE id = '{self.group}'"

    def membership(self, person: Person) -> str:
        """Return the query of somebody's membership."""
        where = f"conversation_id = '{self.group}' AND user_id = '{person.id}'"
        return f"SELECT FROM memberships WHERE {where}"

    def hold(self, rows: str) -> Connection:
        """Lock rows until the connection is closed."""
        connection = psycopg.connect(self._url)
        self._held.append(connection)
        connection.execute(f"{rows} FOR UPDATE".encode())
        return connection

    def begin(self, verb: Callable[..., Any], *arguments: Any, waiting: int) -> Future[Any]:
        """Start a verb; return when so many transactions wait for a lock."""
        running = self._pool.submit(self.run, verb, *arguments)
        until(lambda: running.done() or waiters(self.watch) >= waiting, f"{waiting} that wait")
        assert not running.done(), running.exception()
        return running

    def post(self, person: Person) -> Any:
        """Post: with others, or in the ordinary way where a row that the post needs is held."""
        return messages.post(person.identity, self.group, "Hello")

    def end(self) -> None:
        """Let everything go."""
        for connection in [*self._held, self.watch]:
            connection.close()

    def run(self, verb: Callable[..., Any], *arguments: Any) -> Any:
        """Run a verb here and now."""
        with self._app.app_context():
            return verb(*arguments)


@pytest.fixture
def stage(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Stage]:
    postgres_databases.make(tmp_path)
    url = (tmp_path / "database_url").read_text()
    app = create_app(settings_for(tmp_path))
    # Threads write here, and the follower lives in one alone.
    del app.extensions["chatapp.doorbell"]
    with ThreadPoolExecutor() as pool:
        made = Stage(app, url, pool)
        yield made
        made.end()
    with app.app_context():
        db.engine.dispose()


#: What changes the account of somebody.
CHANGES: dict[str, Callable[[Stage, Person], Any]] = {
    "rename": lambda _, who: accounts.change_display_name(who.identity, "New"),
    "deactivate": lambda s, who: accounts.deactivate(s.root.identity, who.id),
    "promote": lambda s, who: accounts.make_admin(s.root.identity, who.id),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_post_and_a_change_of_its_author_do_not_wait_for_each_other(
    stage: Stage, change: str
) -> None:
    log, conversation = stage.hold(stage.log), stage.hold(stage.conversation)
    posting = stage.begin(stage.post, stage.bob, waiting=1)
    conversation.rollback()  # and on to the log, which it has not yet
    until(lambda: waiting_for(stage, "log_head"), "a post that waits for the log")
    changing = stage.begin(CHANGES[change], stage, stage.bob, waiting=2)
    log.rollback()
    assert posting.result().created
    changing.result()


@pytest.mark.parametrize("change", CHANGES)
def test_an_owner_who_leaves_and_a_change_of_the_heir_do_not_wait_for_each_other(
    stage: Stage, change: str
) -> None:
    log = stage.hold(stage.log)
    leaving = stage.begin(groups.leave, stage.ann.identity, stage.group, waiting=1)
    changing = stage.begin(CHANGES[change], stage, stage.bob, waiting=2)
    log.rollback()
    leaving.result()
    changing.result()


def test_a_post_and_its_authors_removal_do_not_wait_for_each_other(stage: Stage) -> None:
    membership = stage.hold(stage.membership(stage.ann))
    removing = stage.begin(
        groups.remove_member, stage.ann.identity, stage.group, stage.bob.id, waiting=1
    )
    posting = stage.begin(stage.post, stage.bob, waiting=2)
    membership.rollback()
    removing.result()
    with pytest.raises(NotFound):
        posting.result()


@pytest.mark.parametrize("verb", ["read", "edit"])
def test_what_a_member_does_and_their_removal_do_not_wait_for_each_other(
    stage: Stage, verb: str
) -> None:
    membership = stage.hold(stage.membership(stage.ann))
    removing = stage.begin(
        groups.remove_member, stage.ann.identity, stage.group, stage.bob.id, waiting=1
    )
    acting = (
        stage.begin(read_state.mark_read, stage.bob.identity, stage.group, stage.first, waiting=2)
        if verb == "read"
        else stage.begin(messages.edit, stage.bob.identity, stage.first, "Changed", waiting=2)
    )
    membership.rollback()
    removing.result()
    with pytest.raises(NotFound):
        acting.result()


def test_two_administrators_who_shut_each_other_out_do_not_wait_for_each_other(
    stage: Stage,
) -> None:
    log = stage.hold(stage.log)
    root, other = stage.root, stage.other
    one = stage.begin(accounts.deactivate, root.identity, other.id, waiting=1)
    two = stage.begin(accounts.remove_admin, other.identity, root.id, waiting=2)
    log.rollback()
    one.result()
    with pytest.raises(Conflict):
        two.result()


def test_a_new_token_waits_for_no_post_of_its_owner(stage: Stage) -> None:
    log = stage.hold(stage.log)
    posting = stage.begin(stage.post, stage.bob, waiting=1)
    stage.run(tokens.create, stage.root.identity, "bob")
    assert not posting.done()
    log.rollback()
    assert posting.result().created


def waiting_for(stage: Stage, table: str) -> bool:
    """Whether somebody waits while they lock a row of a table."""
    query = "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    rows = stage.watch.execute(query).fetchall()
    return any(table in query for (query,) in rows)


def test_two_that_prune_at_once_never_move_the_position_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    first = stage.hold(stage.log)
    second = stage.begin(retention.prune, timedelta(0), waiting=1)
    first.execute("DELETE FROM events")
    first.execute("UPDATE log_head SET pruned_position = position")
    first.commit()
    assert second.result() == 0
    head = stage.run(log.head)
    assert head.pruned_position == head.position > 1
