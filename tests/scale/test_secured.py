"""PostgreSQL and Redis that ask for a password, over TLS."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.scale.refusals import one_line, refusal
from tests.support.certificates import Certificate, make_certificate
from tests.support.cluster import Cluster
from tests.support.databases import migrated
from tests.support.postgres import USER, Postgres
from tests.support.redis import RedisServer
from tests.support.server import free_port
from tests.support.wait import until
from tests.support.wheels import program

pytestmark = pytest.mark.scale

PASSWORD = "hidden"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def secured_postgres(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address, with its password, of a migrated database behind TLS."""
    with Postgres() as server:
        url = migrated(server, tmp_path_factory.mktemp("secured"))
        server.execute(f"ALTER ROLE chat PASSWORD '{PASSWORD}'")
        for path in certificate:
            copy = Path(shutil.copy(path, server.data))
            copy.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(copy, USER)
        if "ssl" not in str(server.execute("SELECT setting FROM pg_config")):
            pytest.skip("this PostgreSQL was built without TLS, as the wheel's is")
        for name, value in (
            ("ssl", "on"),
            ("ssl_cert_file", certificate.path.name),
            ("ssl_key_file", certificate.key.name),
        ):
            server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        (server.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        server.execute("SELECT pg_reload_conf()")
        until(lambda: is_refused(server.url()), "a server that asks for a password")
        yield url.replace("chat@", f"chat:{PASSWORD}@")


def is_refused(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return True
    return False


@pytest.fixture
def secured_redis(certificate: Certificate) -> Iterator[str]:
    """The address, with its password, of a Redis on its port for TLS."""
    if "site-packages" in str(program("redis-server")):
        pytest.skip("the wheel's Redis was built without TLS")
    port = free_port()
    options = {"tls-port": str(port), "tls-auth-clients": "no"}
    options |= {"tls-cert-file": str(certificate.path), "tls-key-file": str(certificate.key)}
    with RedisServer(None, **options) as server:
        server.call("CONFIG", "SET", "requirepass", PASSWORD)
        yield f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={certificate.path}"


def test_everything_works_through_tls_with_passwords(
    secured_postgres: str, secured_redis: str, certificate: Certificate, tmp_path: Path
) -> None:
    url = f"{secured_postgres}?sslmode=verify-full&sslrootcert={certificate.path}"
    with Cluster(tmp_path, url, secured_redis) as cluster:
        cluster.until_all_say(code="200", status="ok", doorbell="ok")
        cluster.storm(2)
        cluster.until_acknowledged(20)
        assert cluster.verdict().is_clean
        with redis.Redis.from_url(secured_redis) as client:
            assert len(client.pubsub_channels()) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("hidden", "wrong"), "password authentication failed"),
        (("?", "?sslmode=disable"), "no encryption"),
        (("?", "?sslmode=verify-full"), "root certificate"),
        (("chat:", "nobody:"), "password authentication failed"),
    ],
)
def test_a_postgresql_that_does_not_let_us_in_is_one_line(
    secured_postgres: str, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    url = f"{secured_postgres}?".replace(*change).removesuffix("?")
    said = one_line(refusal(tmp_path, DATABASE_URL=url))
    assert says in said
    assert "hidden" not in said
    assert "wrong" not in said


@pytest.mark.parametrize(
    ("change", "says"),
    [((":hidden@", ""), "Authentication required"), (("hidden", "wrong"), "invalid username")],
)
def test_a_redis_that_does_not_let_us_in_is_one_line(
    database_url: str, secured_redis: str, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    url = secured_redis.replace(*change)
    said = one_line(refusal(tmp_path, DATABASE_URL=database_url, REDIS_URL=url))
    assert "Redis does not let us in" in said
    assert says in said
    assert "hidden" not in said
