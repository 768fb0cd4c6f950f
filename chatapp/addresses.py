"""Addresses of the database and of Redis: checked without connecting, shown without passwords.

The libraries are imported where they are needed: gunicorn's arbiter reads the settings before it
has checked anything else, and needs neither of them on SQLite.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from sqlalchemy import URL

_NO_ADDRESS = "names no address: look at its host and port"
#: What may stand behind the ``?`` of Redis's address: the rest would change what we rely on.
_REDIS_OPTIONS = frozenset(
    (
        *("db", "username", "password", "client_name"),
        *("socket_timeout", "socket_connect_timeout", "health_check_interval"),
        *("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password"),
        *("ssl_cert_reqs", "ssl_check_hostname", "ssl_min_version", "ssl_ciphers"),
    )
)
#: Seconds that Redis may be given to answer: those who sign in wait for it.
_MOST_SECONDS = 60


def database_address(text: str) -> str:
    """Return the address of a database as SQLAlchemy reads it.

    PostgreSQL's may name several hosts (``h1:5432,h2:5432``) or, in percents, the folder of a
    socket, as libpq's may.

    Raises:
        ValueError: it is no address; the text says why, and nothing of a password.
    """
    scheme, found, rest = text.partition("://")
    if found and scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        url = f"postgresql+psycopg://{_with_hosts_behind(rest)}"
    elif found and scheme == "sqlite":
        url = text
    else:
        raise ValueError("must start with sqlite:// or postgresql://")
    _check_database(url)
    return url


def sqlite_address(file: Path) -> str:
    """Return the address of a SQLite file, whatever its folder is called."""
    return f"sqlite:///{str(file).replace('%', '%25').replace('?', '%3F')}"


def redis_address(text: str) -> str:
    """Return ``text``, if it is the address of a Redis.

    Raises:
        ValueError: it is none; the text says why, and nothing of a password.
    """
    if not text.startswith(("redis://", "rediss://")):
        raise ValueError("must start with redis:// or rediss://")
    path = _split(text)[1]
    if not (path.strip("/") or "0").isdigit():
        raise ValueError("must end with the number of a database, or with none")
    _check_known(parse_qs(urlsplit(text).query).keys() - _REDIS_OPTIONS)
    _check_redis(text)
    return text


def shown(url: URL) -> str:
    """Return a database's address without its passwords."""
    secret = [name for name in url.query if "password" in name]
    return url.difference_update_query(secret).render_as_string(hide_password=True)


def _split(url: str) -> tuple[str, str, str]:
    """Return the part with user and hosts, the path, and what is behind the ``?``."""
    try:
        parts = urlsplit(url)
        if "," not in parts.netloc:
            _ = parts.port
    except ValueError:
        raise ValueError(_NO_ADDRESS) from None
    return parts.netloc, parts.path, parts.query


def _with_hosts_behind(rest: str) -> str:
    """Move several hosts, or a socket's folder, behind the ``?``: SQLAlchemy takes them there."""
    place, path, query = _split(f"postgresql://{rest}")
    user, at, hosts = place.rpartition("@")
    if "@" in user:
        raise ValueError("has more than one @: in a password it is written %40")
    if "," not in hosts and "%" not in hosts:
        return rest
    names, ports = zip(*map(_host_and_port, hosts.split(",")), strict=True)
    behind = {"host": ",".join(names)} | ({"port": ",".join(ports)} if any(ports) else {})
    return f"{user}{at}{path}?{query}{'&' * bool(query)}{urlencode(behind)}"


def _host_and_port(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"(?:\[(.+)\]|([^:]*))(?::([0-9]*))?", text)
    if found is None:
        raise ValueError(_NO_ADDRESS)
    return unquote(found[1] or found[2]), found[3] or ""


def _check_database(url: str) -> None:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        address = make_url(url)
        _, options = address.get_dialect()().create_connect_args(address)
        _check_hosts(options.get("host", ""))
    except (ValueError, ArgumentError):
        # Not their words: these may have the part of a password that was taken for a port.
        raise ValueError(f"{_NO_ADDRESS}, and at what is behind the ?") from None
    if address.get_backend_name() == "postgresql":
        _check_known(address.query.keys() - _options_of_libpq())
    elif address.database in (None, "", ":memory:"):
        raise ValueError("names no file, as sqlite:////path/to/chat.db does")
    else:
        _check_known(address.query.keys())


def _options_of_libpq() -> set[str]:
    from psycopg.pq import Conninfo

    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _check_known(unknown: Collection[str]) -> None:
    if unknown:
        raise ValueError(f"has {min(unknown)!r} behind the ?, which we do not know")


def _check_redis(url: str) -> None:
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        pool = Redis.from_url(url).connection_pool
        pool.make_connection()
        _check_hosts(pool.connection_kwargs.get("host", ""))
        _check_seconds(pool.connection_kwargs)
    except UnicodeError:
        raise ValueError(_NO_ADDRESS) from None
    except (TypeError, ValueError, RedisError) as error:
        why = str(error).rpartition("() ")[2]
        raise ValueError(f"has something behind the ? that does not fit: {why}") from None


def _check_seconds(options: Mapping[str, Any]) -> None:
    """Raise ValueError for what no socket takes as the seconds that it may wait."""
    for name in ("socket_timeout", "socket_connect_timeout"):
        if not 0 < options.get(name, 1) <= _MOST_SECONDS:
            raise ValueError(f"{name} is a number of seconds up to {_MOST_SECONDS}")


def _check_hosts(hosts: str) -> None:
    """Raise UnicodeError where looking a name up would: this is how Python asks for it."""
    for host in hosts.split(","):
        if not host.startswith("/"):
            host.encode("idna")
