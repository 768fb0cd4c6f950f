"""Settings, read once from the environment; docs/SETUP.md lists them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chatapp.addresses import database_address, redis_address, sqlite_address


class ConfigError(Exception):
    """A setting that cannot be used; the text is one line for the person who set it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, typed and checked."""

    data_dir: Path
    database_url: str
    redis_url: str | None
    secret_key: str
    bind: str
    port: int
    web_concurrency: int
    #: Connections to PostgreSQL that one process may hold.
    database_connections: int
    #: Streams that one person may hold open, and that this process will hold for everybody.
    streams_per_user: int
    streams: int
    #: Messages a user may post in a minute; 0 is no limit.
    posts_per_minute: int
    #: Days that the event log is kept: how long a client may be away and still catch up exactly.
    log_days: int
    #: How many proxies in front of us set X-Forwarded-*; 0 trusts none of those headers.
    trusted_proxies: int
    debug: bool
    #: Fill an empty chat with the demo team at the start.
    demo: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from ``env``.

        Makes the data folder and the secret key where they are missing.

        Raises:
            ConfigError: a value is of the wrong form, or the data folder cannot be written.
        """
        data_dir = Path(env.get("CHAT_DATA_DIR") or "data").absolute()
        return cls(
            data_dir=data_dir,
            database_url=_address(env, "DATABASE_URL", database_address)
            or sqlite_address(data_dir / "chat.db"),
            redis_url=_address(env, "REDIS_URL", redis_address),
            secret_key=env.get("SECRET_KEY") or _kept_secret(data_dir),
            bind=env.get("BIND") or "127.0.0.1",
            port=_number(env, "PORT", 8000, least=1, most=65535),
            web_concurrency=_number(env, "WEB_CONCURRENCY", 1, least=1),
            database_connections=_number(env, "CHAT_DATABASE_CONNECTIONS", 10, least=2, most=500),
            streams_per_user=_number(env, "CHAT_STREAMS_PER_USER", 20, least=1),
            streams=_number(env, "CHAT_STREAMS", 10_000, least=1),
            posts_per_minute=_number(env, "CHAT_POSTS_PER_MINUTE", 120),
            log_days=_number(env, "CHAT_LOG_DAYS", 30, least=1, most=3650),
            trusted_proxies=_number(env, "CHAT_TRUSTED_PROXIES", 0, most=10),
            debug=_switch(env, "CHAT_DEBUG"),
            demo=_switch(env, "CHAT_DEMO"),
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether the data lives in a SQLite file: one server process, no Redis."""
        return self.database_url.startswith("sqlite")


def _number(
    env: Mapping[str, str], name: str, default: int, least: int = 0, most: int = 10**6
) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def _switch(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "") not in ("", "0")


def _address(env: Mapping[str, str], name: str, read: Callable[[str], str]) -> str | None:
    text = env.get(name)
    try:
        return read(text) if text else None
    except ValueError as error:
        raise ConfigError(f"{name} {error}.") from None


def _kept_secret(data_dir: Path) -> str:
    """Return the key kept in the data folder, making it (readable by its owner alone) once."""
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create_secret(path)
        secret = path.read_bytes().decode("ascii", "ignore").strip()
    except OSError as error:
        raise ConfigError(f"The data folder {data_dir} cannot be used: {error.strerror}.") from None
    if not secret:  # nobody could sign in, and each page would be a 500
        raise ConfigError(f"{path} holds no key: delete it, and the next start makes a new one.")
    return secret


def _create_secret(path: Path) -> None:
    """Write the key under another name and link it into place: two starts agree on one key.

    It is on disk before it has its name, or a power cut could leave an empty one.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
