"""What a server says at its start, where its database or Redis is not what it should be."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.scale.guesses import guess
from tests.scale.refusals import one_line, refusal
from tests.support.postgres import Postgres
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.server import ROOT, Server, free_port
from tests.support.settings import settings_for
from tests.support.wait import until

pytestmark = pytest.mark.scale


@pytest.mark.parametrize("url", ["postgresql://chat:secret@127.0.0.1:{port}/chat"])
def test_an_unreachable_database_is_one_line_without_the_password(tmp_path: Path, url: str) -> None:
    said = one_line(refusal(tmp_path, DATABASE_URL=url.format(port=free_port())))
    assert "cannot use the database postgresql+psycopg://chat:***@127.0.0.1" in said
    assert "secret" not in said


def test_a_database_that_does_not_exist_is_one_line(tmp_path: Path, postgres: Postgres) -> None:
    assert "does not exist" in one_line(refusal(tmp_path, DATABASE_URL=postgres.url("absent")))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "mysql://localhost/chat"),
        ("DATABASE_URL", "postgre://localhost/chat"),
        ("DATABASE_URL", "postgresql:/localhost/chat"),
        ("DATABASE_URL", "localhost:5432/chat"),
        ("DATABASE_URL", "postgresql://localhost:port/chat"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:port"),
        ("REDIS_URL", "redis://localhost/name"),
        ("REDIS_URL", "redis://localhost/0?ssl_ca_certs=x"),
    ],
)
def test_a_wrong_address_is_one_line_that_names_the_setting(
    tmp_path: Path, name: str, url: str
) -> None:
    assert name in one_line(refusal(tmp_path, **{name: url}))


def test_of_two_hosts_of_postgresql_the_one_that_answers_is_used(
    database_url: str, tmp_path: Path
) -> None:
    url = database_url.replace("127.0.0.1", f"127.0.0.1:{free_port()},127.0.0.1")
    with Server(tmp_path / "data", None, DATABASE_URL=url) as server:
        assert call(server.port, "GET", "/readyz").json["database"] == "ok"


def test_a_process_without_redis_says_that_it_has_no_doorbell(
    database_url: str, tmp_path: Path
) -> None:
    with Server(tmp_path / "data", None, DATABASE_URL=database_url) as server:
        ready = call(server.port, "GET", "/readyz")
        assert (ready.status, ready.json["status"], ready.json["doorbell"]) == (200, "ok", "none")


def test_an_unknown_host_is_one_line(tmp_path: Path) -> None:
    said = one_line(refusal(tmp_path, DATABASE_URL="postgresql://chat@nowhere.invalid/chat"))
    assert "nowhere.invalid" in said


def test_an_option_that_does_not_exist_is_one_line(tmp_path: Path, postgres: Postgres) -> None:
    said = one_line(refusal(tmp_path, DATABASE_URL=f"{postgres.url()}?sslmod=require"))
    assert "sslmod" in said


def test_a_user_who_may_make_no_tables_is_one_line(tmp_path: Path, postgres: Postgres) -> None:
    postgres.create("not-ours")
    postgres.execute("CREATE ROLE stranger LOGIN")
    url = postgres.url("not-ours").replace("chat@", "stranger@")
    assert "permission denied" in one_line(refusal(tmp_path, DATABASE_URL=url))


def test_a_user_who_may_read_the_version_alone_is_one_line(
    tmp_path: Path, postgres: Postgres, database_url: str
) -> None:
    postgres.execute("CREATE ROLE guest LOGIN")
    name = database_url.rpartition("/")[2]
    postgres.execute("GRANT SELECT ON alembic_version TO guest", name)
    said = one_line(refusal(tmp_path, DATABASE_URL=database_url.replace("chat@", "guest@")))
    postgres.execute("REVOKE ALL ON alembic_version FROM guest", name)
    assert "permission denied" in said


def test_too_few_connections_for_the_workers_are_said(database_url: str, tmp_path: Path) -> None:
    env = {"DATABASE_URL": database_url}
    for connections, lines in (("10", 0), ("250", 1)):
        env |= {"CHAT_DATABASE_CONNECTIONS": connections}
        with Server(tmp_path / connections, None, **env) as server:
            said = server.output().splitlines()
            assert sum("CHAT_DATABASE_CONNECTIONS" in line for line in said) == lines


def test_a_database_that_only_reads_is_one_line(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create("standby")
    postgres.execute("ALTER DATABASE standby SET default_transaction_read_only = on")
    assert "read-only" in one_line(refusal(tmp_path, DATABASE_URL=url))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_one_line_and_left_as_it_is(
    tmp_path: Path, postgres: Postgres, encoding: str
) -> None:
    name = f"of_{encoding.lower()}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    said = one_line(refusal(tmp_path, DATABASE_URL=postgres.url(name)))
    assert encoding in said
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(postgres.url(name), client_encoding="utf8") as connection:
        assert connection.execute(tables).fetchall() == []


def test_servers_of_different_keys_both_say_so(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = {"DATABASE_URL": database_url, "REDIS_URL": redis_server.url}
    # Each makes a key of its own in its data folder.
    with Server(tmp_path / "one", None, **env) as one, Server(tmp_path / "two", None, **env) as two:
        for server in (one, two):
            until(partial(server.log_lines, event="other_secret_key"), "the complaint")


@pytest.mark.parametrize(
    "asked", [{"WEB_CONCURRENCY": "2"}, {"GUNICORN_CMD_ARGS": "--workers 2"}], ids=str
)
def test_several_workers_are_refused_without_redis_and_on_sqlite(
    tmp_path: Path, postgres: Postgres, asked: dict[str, str]
) -> None:
    said = one_line(refusal(tmp_path, DATABASE_URL=postgres.url(), **asked))
    assert "REDIS_URL" in said
    assert "SQLite serves one worker, not 2" in one_line(refusal(tmp_path, **asked))


@pytest.mark.parametrize("asked", ["--worker-class sync", "--max-requests 1000", "--preload"])
def test_what_streams_do_not_survive_is_refused(tmp_path: Path, asked: str) -> None:
    said = one_line(refusal(tmp_path, GUNICORN_CMD_ARGS=asked))
    assert f"`{asked.split(maxsplit=1)[0]}`" in said


def test_a_redis_that_refuses_us_is_one_line(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.call("CONFIG", "SET", "requirepass", "hidden")
    said = refusal(tmp_path, DATABASE_URL=database_url, REDIS_URL=redis_server.url)
    assert "Redis does not let us in" in one_line(said)


def rights() -> list[str]:
    """Return the command of docs/OPERATING.md that makes a user of Redis."""
    page = (ROOT / "docs" / "OPERATING.md").read_text("utf-8")
    found = re.search(r"^ACL SETUSER chat on >password .+$", page, re.MULTILINE)
    assert found
    return found[0].split()


def test_the_documented_rights_in_redis_are_enough(
    database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.call(*rights())
    url = redis_server.url.replace("//", "//chat:password@")
    with Server(tmp_path / "data", None, DATABASE_URL=database_url, REDIS_URL=url) as server:
        until(lambda: call(server.port, "GET", "/readyz").json["doorbell"] == "ok", "a bell")
        guess(server.url, 1)
        assert redis_server.call("KEYS", "chatapp:*")
        # But for the loop's, which says that it was late: this machine may be busy.
        warnings = server.log_lines(level="warning")
        assert [line for line in warnings if line.get("event") != "loop_stalled"] == []


@pytest.mark.parametrize("lacking", ["&chatapp:0", "+@pubsub"])
def test_a_redis_that_lets_us_in_and_not_hear_is_one_line(
    database_url: str, redis_server: RedisServer, tmp_path: Path, lacking: str
) -> None:
    redis_server.call(*(word for word in rights() if word != lacking))
    url = redis_server.url.replace("//", "//chat:password@")
    said = one_line(refusal(tmp_path, DATABASE_URL=database_url, REDIS_URL=url))
    assert "Redis does not let us in" in said
    assert "permissions" in said


def test_a_server_starts_while_redis_is_away_and_says_so(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    env = {"DATABASE_URL": database_url, "REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    assert settings_for(folder, **env).redis_url
    with Server(folder, None, **env) as server:
        lines = [line for line in server.output().splitlines() if "cannot reach Redis" in line]
        assert len(lines) == 1
        assert "Traceback" not in server.output()

        def says_so() -> bool:
            ready = call(server.port, "GET", "/readyz")
            return (ready.status, ready.json["status"]) == (200, "degraded")

        until(says_so, "what it lacks, once it has tried")
