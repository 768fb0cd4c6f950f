"""A PostgreSQL that is set to something else than it comes with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from chatapp import create_app
from chatapp.extensions import db
from chatapp.models.engine import reading
from tests.scale.refusals import one_line, refusal
from tests.support.cluster import Cluster
from tests.support.pgbouncer import Pgbouncer
from tests.support.postgres import Postgres
from tests.support.raw_http import call
from tests.support.redis import RedisServer
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.strace import require

pytestmark = pytest.mark.scale

Set = Callable[[str], object]


@pytest.fixture
def set_to(database_url: str, postgres: Postgres) -> Iterator[Set]:
    """What sets the test's database to something."""
    role = f'ALTER ROLE chat IN DATABASE "{database_url.rpartition("/")[2]}"'
    yield lambda setting: postgres.execute(f"{role} SET {setting}")
    postgres.execute(f"{role} RESET ALL")


def test_a_storm_is_as_it_is_elsewhere(
    set_to: Set, database_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    set_to("default_transaction_isolation = 'serializable'")
    set_to("DateStyle = 'German'")
    set_to("TimeZone = 'Asia/Kathmandu'")
    with Cluster(tmp_path, database_url, redis_server.url) as cluster:
        members = cluster.storm(2)
        cluster.until_acknowledged(20)
        for port in cluster.ports:
            groups = [
                call(port, "POST", "/api/groups", members[0].token, {"name": "More"}).status
                for _ in range(10)
            ]
            assert groups == [201] * 10
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert cluster.failures() == set()


@pytest.mark.parametrize(
    ("theirs", "ours"), [("off", "local"), ("remote_apply", "remote_apply"), ("on", "on")]
)
def test_an_acknowledged_message_is_on_the_disk_all_the_same(
    set_to: Set, database_url: str, tmp_path: Path, theirs: str, ours: str
) -> None:
    set_to(f"synchronous_commit = {theirs}")
    app = create_app(settings_for(tmp_path / "data", DATABASE_URL=database_url))
    with app.app_context():
        for connect in (db.engine.connect, reading(db.engine).connect):
            with connect() as connection:
                assert connection.scalar(text("SHOW synchronous_commit")) == ours
        db.engine.dispose()


@pytest.mark.parametrize("dropped", ["read committed", "repeatable read"])
def test_an_isolation_that_a_pooler_leaves_as_it_is_must_be_ours(
    set_to: Set, dropped: str, database_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    require("pgbouncer")
    set_to("idle_in_transaction_session_timeout = '8s'")
    set_to(f"default_transaction_isolation = '{dropped}'")
    more = "ignore_startup_parameters = options,extra_float_digits"
    with Pgbouncer(postgres, more) as pgbouncer:
        url = pgbouncer.url(database_url.rpartition("/")[2])
        if dropped == "read committed":
            with Server(tmp_path / "data", None, DATABASE_URL=url) as server:
                assert call(server.port, "GET", "/readyz").status == 200
        else:
            said = one_line(refusal(tmp_path, DATABASE_URL=url))
            assert "SET default_transaction_isolation = 'read committed'" in said


def test_tables_lie_in_the_schema_that_the_role_is_led_to(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create("two-chats")
    for name in ("sales", "support"):
        postgres.execute(f"CREATE SCHEMA {name}", "two-chats")
    urls = [f"{url}?options=-csearch_path%3D{name}" for name in ("sales", "support")]
    with (
        Server(tmp_path / "sales", None, DATABASE_URL=urls[0]),
        Server(tmp_path / "support", None, DATABASE_URL=urls[1]),
    ):
        found = "SELECT schemaname, count(*) FROM pg_tables WHERE tablename = 'messages' GROUP BY 1"
        assert sorted(postgres.execute(found, "two-chats")) == [("sales", 1), ("support", 1)]
