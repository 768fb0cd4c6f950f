"""Servers that start together on PostgreSQL: one migrates, and when it is killed another does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from chatapp import create_app
from chatapp.extensions import db
from tests.support.newer import newer_program
from tests.support.postgres import Postgres
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Person, Team

pytestmark = pytest.mark.scale

#: What a later version might bring. Each process that runs it writes a line. It dawdles until the
#: others wait for it, or have run it as well; and is killed in the middle where a file says so.
MIGRATION = """
import os
import signal
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision, down_revision = "newer", {head!r}
RUNS, KILL = Path({runs!r}), Path({kill!r})
WAITING = sa.text(
    "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid"
    " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
)


def upgrade():
    with RUNS.open("a") as file:
        file.write("run\\n")
    connection = op.get_bind()
    while connection.scalar(WAITING) + len(RUNS.read_text().split()) < {together}:
        connection.execute(sa.text("SELECT pg_sleep(0.01)"))
    op.add_column("messages", sa.Column("mood", sa.String(10)))
    op.execute("UPDATE messages SET mood = 'fine'")
    if KILL.exists():
        KILL.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    op.execute("CREATE TABLE moods AS SELECT id, mood FROM messages")


def downgrade():
    raise NotImplementedError
"""


class Upgrade:
    """A chat that has people and messages, and a newer program that is started on it."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self._folder = folder
        self._url = database_url
        self._shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        self._app = create_app(settings_for(folder / "before", **self._shared))
        team = Team(self._app)
        self.ann: Person = team.person("ann")
        self.group = team.group(self.ann)
        self.messages = [team.post(self.ann, self.group, str(number)).id for number in range(20)]

    def close(self) -> None:
        with self._app.app_context():
            db.engine.dispose()

    def kill_the_first(self) -> None:
        """Let the first process that migrates be killed half-way."""
        (self._folder / "kill").touch()

    def servers(self, count: int) -> list[Server]:
        """Return so many servers of two workers, each with a folder of its own."""
        facts = {name: str(self._folder / name) for name in ("runs", "kill")}
        env = newer_program(self._folder, MIGRATION, together=str(count), **facts)
        env |= self._shared | {"WEB_CONCURRENCY": "2"}
        return [Server(self._folder / str(number), None, **env) for number in range(count)]

    def without_the_lock(self) -> None:
        """Take from the newer program what makes the others wait."""
        entry = self._folder / "migrations" / "env.py"
        text, lock = entry.read_text(), "pg_advisory_xact_lock(7223871)"
        assert text.count(lock) == 1
        entry.write_text(text.replace(lock, "1"))

    def runs(self) -> int:
        """Return how many processes have run the migration, or begun to."""
        return len((self._folder / "runs").read_text().split())

    def state(self) -> tuple[str, list[str], bool]:
        """Return the schema's version, the messages, and whether there are moods."""
        with psycopg.connect(self._url) as connection:
            messages = connection.execute("SELECT id FROM messages ORDER BY position").fetchall()
            found = connection.execute(
                "SELECT version_num, to_regclass('moods') IS NOT NULL FROM alembic_version"
            ).fetchall()
        [(version, has_moods)] = found
        return version, [id_ for (id_,) in messages], has_moods


@pytest.fixture
def upgrade(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Upgrade]:
    chat = Upgrade(tmp_path, database_url, redis_server.url)
    yield chat
    chat.close()


def start_together(servers: list[Server]) -> int:
    """Start all at once, each until it serves or leaves; return how many serve, and stop them."""

    def serves(server: Server) -> bool:
        try:
            server.start()
        except RuntimeError:
            return False
        return call(server.port, "GET", "/healthz").status == 200

    with ThreadPoolExecutor(len(servers)) as pool:
        try:
            return sum(pool.map(serves, servers))
        finally:
            list(pool.map(Server.stop, servers))


def test_of_servers_that_start_together_one_migrates_and_all_serve(upgrade: Upgrade) -> None:
    assert start_together(upgrade.servers(3)) == 3
    assert upgrade.runs() == 1
    assert upgrade.state() == ("newer", upgrade.messages, True)


def test_without_the_lock_more_than_one_would_migrate(upgrade: Upgrade) -> None:
    servers = upgrade.servers(3)
    upgrade.without_the_lock()
    assert start_together(servers) < 3
    assert upgrade.runs() > 1


def test_another_server_finishes_a_migration_that_was_killed(upgrade: Upgrade) -> None:
    upgrade.kill_the_first()
    assert start_together(upgrade.servers(3)) == 2
    assert upgrade.runs() == 2
    assert upgrade.state() == ("newer", upgrade.messages, True)


def test_a_killed_migration_is_undone_and_the_next_start_finishes_it(upgrade: Upgrade) -> None:
    before = upgrade.state()
    assert before[1:] == (upgrade.messages, False)
    upgrade.kill_the_first()
    [server] = upgrade.servers(1)
    assert start_together([server]) == 0
    assert upgrade.state() == before
    assert start_together([server]) == 1
    assert upgrade.state() == ("newer", upgrade.messages, True)


def test_an_empty_database_is_made_by_one_of_those_who_start_together(
    postgres: Postgres, redis_server: RedisServer, tmp_path: Path
) -> None:
    url = postgres.create("together")
    env = {"DATABASE_URL": url, "REDIS_URL": redis_server.url, "WEB_CONCURRENCY": "2"}
    servers = [Server(tmp_path / name, None, **env) for name in ("one", "two", "three")]
    assert start_together(servers) == 3
    assert postgres.execute("SELECT count(*) FROM alembic_version", "together") == [(1,)]
    assert postgres.execute("SELECT count(*) FROM log_head", "together") == [(1,)]
