"""Where the database and Redis are: what is taken for an address, and what of it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from chatapp.addresses import shown
from chatapp.config import ConfigError
from chatapp.models.engine import POSTGRESQL_LIMITS, engine_options
from tests.support.settings import settings_for

WRONG = [
    ("DATABASE_URL", "mysql://localhost/chat"),
    ("DATABASE_URL", "postgre://localhost/chat"),
    ("DATABASE_URL", "postgresql:/localhost/chat"),
    ("DATABASE_URL", "localhost:5432/chat"),
    ("DATABASE_URL", "postgresql://localhost:hidden/chat"),
    ("DATABASE_URL", "postgresql://chat@host:/chat"),
    ("DATABASE_URL", "postgresql://chat@.internal/chat"),
    ("DATABASE_URL", "postgresql://chat@one,.internal/chat"),
    ("DATABASE_URL", "postgresql://chat@one:1,two:hidden/chat"),
    ("DATABASE_URL", "postgresql://chat@host/chat?port=hidden"),
    ("DATABASE_URL", "postgresql://chat:pa@hidden@host/chat"),
    ("DATABASE_URL", "postgresql://chat:hidden/@host/chat"),
    ("DATABASE_URL", "sqlite://hidden/chat.db"),
    ("DATABASE_URL", "sqlite:///chat.db?timeout=hidden"),
    ("DATABASE_URL", "postgresql://host/chat?prepare_threshold=hidden"),
    ("DATABASE_URL", "postgresql://host/chat?plugin=hidden"),
    ("REDIS_URL", "localhost:6379"),
    ("REDIS_URL", "redis://localhost:hidden"),
    ("REDIS_URL", "redis://:hidden/@localhost"),
    ("REDIS_URL", "redis://localhost/name"),
    ("REDIS_URL", "redis://.internal/0"),
    ("REDIS_URL", "redis://localhost/0?foo=hidden"),
    ("REDIS_URL", "redis://localhost/0?decode_responses=1"),
    ("REDIS_URL", "redis://localhost/0?ssl_ca_certs=hidden"),
    ("REDIS_URL", "redis://localhost/0?socket_timeout=hidden"),
    ("REDIS_URL", "redis://localhost/0?socket_timeout=-1"),
    ("REDIS_URL", "redis://localhost/0?socket_connect_timeout=0"),
    ("REDIS_URL", "redis://localhost/0?socket_timeout=nan"),
    ("REDIS_URL", "redis://localhost/0?socket_timeout=inf"),
    ("REDIS_URL", "redis://localhost/?db=hidden"),
]


@pytest.mark.parametrize(("name", "url"), WRONG)
def test_what_is_no_address_is_refused_by_name(tmp_path: Path, name: str, url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_for(tmp_path, **{name: url})
    said = str(refused.value)
    assert said.startswith(f"{name} ")
    assert "\n" not in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://localhost/0?foo=bar", "'foo'"),
        ("redis://localhost/0?ssl_ca_certs=x", "'ssl_ca_certs'"),
        ("redis://localhost/0?socket_timeout=abc", "'socket_timeout'"),
    ],
)
def test_the_option_at_fault_is_said(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings_for(tmp_path, REDIS_URL=url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:p%40ss@[::1]:6379/1",
        "redis://localhost/?db=2&client_name=chat",
        "rediss://user:word@redis.example.org/0?ssl_ca_certs=/etc/ssl/ca.pem",
    ],
)
def test_an_address_of_redis_is_kept_as_it_is(tmp_path: Path, url: str) -> None:
    assert settings_for(tmp_path, REDIS_URL=url).redis_url == url


def connects(tmp_path: Path, url: str) -> dict[str, Any]:
    """Return what libpq would be given."""
    address = make_url(settings_for(tmp_path, DATABASE_URL=url).database_url)
    return dict(address.get_dialect()().create_connect_args(address)[1])


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [
        ("h1:5432,h2:5433", "h1,h2", "5432,5433"),
        ("h1,h2:5433", "h1,h2", ",5433"),
        ("h1,h2", "h1,h2", ","),
        ("[::1]:5432,[::2]", "::1,::2", "5432,"),
        ("%2Frun%2Fpostgresql", "/run/postgresql", None),
        ("%2Frun%2Fpostgresql:5433", "/run/postgresql", "5433"),
        ("[::1]:5432", "::1", 5432),
    ],
)
def test_hosts_of_postgresql_are_named_as_libpq_has_them(
    tmp_path: Path, place: str, host: str, port: str | None
) -> None:
    found = connects(tmp_path, f"postgresql://chat:word@{place}/chat?sslmode=require")
    kept = {"user": "chat", "password": "word", "dbname": "chat", "sslmode": "require"}
    assert kept.items() <= found.items()
    assert (found["host"], found.get("port")) == (host, port)
    assert connects(tmp_path, f"postgresql://{place}/chat")["host"] == host


def test_passwords_are_not_shown() -> None:
    url = "postgresql+psycopg://chat:secret@h/chat?password=secret&sslpassword=secret&sslmode=allow"
    assert shown(make_url(url)) == "postgresql+psycopg://chat:***@h/chat?sslmode=allow"


def test_what_the_address_says_comes_before_our_own() -> None:
    url = "postgresql+psycopg://h/chat?connect_timeout=3&options=-c%20work_mem%3D64MB"
    given = engine_options(url, 10)["connect_args"]
    assert "connect_timeout" not in given
    assert given["application_name"] == "chatapp"
    assert given["options"].startswith("-c work_mem=64MB -c ")
    assert all(
        f"-c {name}={value}" in given["options"] for name, value in POSTGRESQL_LIMITS.items()
    )
