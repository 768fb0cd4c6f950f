"""From a running server on SQLite to one on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chatapp import create_app
from chatapp.extensions import db
from tests.support import databases
from tests.support.databases import SqliteDatabases
from tests.support.listener import Listener
from tests.support.oracle import MESSAGES, judge_rows, settle
from tests.support.postgres import Postgres
from tests.support.raw_http import call
from tests.support.sabotage import sabotage
from tests.support.sender import Sender
from tests.support.server import ROOT, Server
from tests.support.settings import settings_for
from tests.support.team import Person, Team
from tests.support.wait import until

pytestmark = pytest.mark.scale


@pytest.fixture
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated SQLite database."""
    folder = tmp_path / "data"
    folder.mkdir()
    SqliteDatabases(tmp_path_factory.mktemp("empty")).make(folder)
    return folder


def flask(folder: Path, *arguments: str, ok: bool = True, **env: str) -> str:
    """Run a command of ours beside the server; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "CHAT_DATA_DIR": str(folder), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_running_chat_moves_and_its_readers_get_a_reset(folder: Path, postgres: Postgres) -> None:
    url = postgres.create("moved")
    app = create_app(settings_for(folder))
    team = Team(app)
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    with Server(folder) as server:
        listeners = [Listener(server.port, person, dm).start() for person in (ann, bob)]
        until(lambda: all(one.is_live for one in listeners), "live streams")
        sender = Sender(server.port, ann, dm).start()
        until(lambda: len(sender.acknowledged) > 20, "twenty messages")
        said = flask(folder, "db-copy", "--close", url)
        assert "and compared each" in said
        assert "compared messages" in said
        refused = call(server.port, "POST", "/api/messages", ann.token, message(dm))
        assert refused.status == 503
        assert call(server.port, "GET", "/api/me", ann.token).status == 200
    before = databases.rows(app)
    with Server(folder, server.port, DATABASE_URL=url):
        sender.stop()
        for listener in listeners:
            listener.may_reload = True
        settle(sender, listeners)
        with psycopg.connect(url) as connection:
            rows = connection.execute(MESSAGES.encode()).fetchall()
        verdict = judge_rows(rows, [sender], listeners)
        assert verdict.is_clean, verdict
        assert {row["id"] for row in before["messages"]} <= {row[0] for row in rows}
        for listener in listeners:
            assert listener.told == {"reconnect:restart": 1, "reset:epoch": 1}
            listener.stop()
    with app.app_context():
        db.engine.dispose()


def message(dm: str) -> dict[str, str]:
    return {"directMessageId": dm, "content": "Too late"}


@pytest.fixture
def five_messages(folder: Path) -> Iterator[tuple[Person, str]]:
    """Somebody who has said five things on SQLite, and where."""
    app = create_app(settings_for(folder))
    team = Team(app)
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    for number in range(5):
        ann.say(dm, f"Number {number}")
    yield ann, dm
    with app.app_context():
        db.engine.dispose()


def test_it_shows_how_far_it_is(
    folder: Path, postgres: Postgres, five_messages: tuple[Person, str], tmp_path: Path
) -> None:
    env = sabotage(tmp_path / "batches", "chatapp.domain.db_copy", "BATCH = 2")
    said = flask(folder, "db-copy", postgres.create("watched"), ok=True, **env).splitlines()
    for what in ("copied", "compared"):
        lines = [line for line in said if line.startswith(f"{what} messages")]
        assert lines == [f"{what} messages: {done} of 5" for done in (2, 4, 5)]


def test_a_row_that_does_not_arrive_as_it_was_undoes_everything(
    folder: Path, postgres: Postgres, five_messages: tuple[Person, str]
) -> None:
    ann, dm = five_messages
    url = postgres.create("altering")
    flask(folder, "db", "upgrade", DATABASE_URL=url)
    postgres.execute(
        "CREATE FUNCTION alter_one() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.content := replace(NEW.content, '3', '4'); RETURN NEW; END $$",
        "altering",
    )
    postgres.execute(
        "CREATE TRIGGER alter_one BEFORE INSERT ON messages"
        " FOR EACH ROW EXECUTE FUNCTION alter_one()",
        "altering",
    )
    said = flask(folder, "db-copy", "--close", url, ok=False)
    assert "of messages did not arrive as it was" in said
    assert postgres.execute("SELECT count(*) FROM users", "altering") == [(0,)]
    assert ann.say(dm, "Still here")["content"] == "Still here"


def test_it_does_not_copy_into_a_database_in_use_and_opens_the_old_one_again(
    folder: Path, postgres: Postgres
) -> None:
    url = postgres.create("in-use")
    app = create_app(settings_for(folder))
    team = Team(app)
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    flask(folder, "db-copy", url)
    said = flask(folder, "db-copy", "--close", url, ok=False)
    assert "There are people in that database already" in said
    assert ann.say(dm, "Still here")["content"] == "Still here"
    with app.app_context():
        db.engine.dispose()


def test_an_unreachable_database_is_one_line(folder: Path) -> None:
    said = flask(folder, "db-copy", "postgresql://127.0.0.1:1/chat", ok=False)
    assert "The copy failed: connection" in said


def test_a_database_that_may_not_be_filled_is_one_line_and_nothing_is_closed(
    folder: Path, postgres: Postgres, five_messages: tuple[Person, str]
) -> None:
    ann, dm = five_messages
    postgres.execute("CREATE ROLE newcomer LOGIN")
    not_ours = postgres.create("not-the-newcomers").replace("chat@", "newcomer@")
    postgres.execute("CREATE DATABASE latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    for url, reason in ((not_ours, "permission denied"), (postgres.url("latin1"), "LATIN1")):
        said = flask(folder, "db-copy", "--close", url, ok=False)
        assert reason in said
        assert said.count("\n") == 1, said
        assert ann.say(dm, "Still here")["content"] == "Still here"
