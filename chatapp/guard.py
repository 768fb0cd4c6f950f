"""What must hold before the server starts; where it does not, one line says so."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote

from gunicorn.config import Config

from chatapp import descriptors
from chatapp.config import Settings

if TYPE_CHECKING:
    from chatapp.sole_server import SoleServer

# Seconds that a start waits for a predecessor. Workers of a killed arbiter look once a second
# whether it still lives; one that lives either serves, or is just leaving.
ORPHANS_LEAVE = 1.3
HOLDER_LEAVES = 0.4


def refuse(reason: str) -> NoReturn:
    """Leave with one line that says why."""
    print(f"chatapp: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(1)


def check_concurrency(settings: Settings) -> None:
    """Refuse more workers than the storage can serve."""
    if settings.web_concurrency == 1:
        return
    if settings.is_sqlite:
        refuse(
            f"SQLite serves one worker, not {settings.web_concurrency}: unset WEB_CONCURRENCY (or"
            " `--workers` in GUNICORN_CMD_ARGS), or set DATABASE_URL to PostgreSQL"
        )
    if not settings.redis_url:
        refuse("more than one worker needs REDIS_URL: each must hear what the others committed")


def check_gunicorn(config: Config) -> None:
    """Refuse what GUNICORN_CMD_ARGS may ask of gunicorn, and what streams do not survive."""
    asked = {
        "--worker-class": config.worker_class_str != "gevent",  # others have no greenlets
        "--max-requests": config.max_requests > 0,  # no stream outlives so many
        "--preload": config.preload_app,  # a reload would go on with the code of the start
    }
    for option in (option for option, is_set in asked.items() if is_set):
        refuse(f"streams do not go with `{option}`: take it out of GUNICORN_CMD_ARGS")


def check_streams(settings: Settings) -> None:
    """Say so where the limit of open files allows fewer streams than were set."""
    allowed = descriptors.streams()
    if settings.streams > allowed:
        line = (
            f"the limit of open files (ulimit -Hn) allows a process {allowed} streams, not the"
            f" {settings.streams} of CHAT_STREAMS"
        )
        print(f"chatapp: {line}", file=sys.stderr, flush=True)  # noqa: T201


def hold_lock(settings: Settings) -> None:
    """Hold the one server's lock on a SQLite file, or leave saying who holds it.

    The workers inherit the lock with its descriptor: it is free only when the last of them has
    gone, and a reload's old and new worker share it. It lies beside the database, wherever
    CHAT_DATA_DIR points.
    """
    database = database_file(settings)
    if database is None:
        return
    descriptor = _open_lock(database.with_name("server.lock"))
    if not _locked(descriptor):
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        patience = HOLDER_LEAVES if _alive(holder) else ORPHANS_LEAVE
        if not _patiently(lambda: _locked(descriptor), patience):
            refuse(f"another chatapp (process {holder}) already serves {database}")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def hold_database(settings: Settings) -> SoleServer | None:
    """Return the one server's lock on a PostgreSQL without Redis, or leave."""
    if settings.is_sqlite or settings.redis_url:
        return None
    # Only here: who uses SQLite, or Redis, does without it.
    from chatapp.sole_server import SoleServer

    lock = SoleServer(settings.database_url)
    if not _patiently(lock.take, ORPHANS_LEAVE):
        refuse(
            "another chatapp serves this database, and neither hears the other: set REDIS_URL for"
            " both, or stop that one"
        )
    return lock


def database_file(settings: Settings) -> Path | None:
    """Return the SQLite file; None for another database."""
    if not settings.is_sqlite:
        return None
    return Path(unquote(settings.database_url.partition(":///")[2])).resolve()


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        refuse(f"cannot write {path}: {error.strerror}")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(process: str) -> bool:
    """Return whether the process exists; one that nobody named may."""
    try:
        os.kill(int(process), 0)
    except (ValueError, PermissionError):
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def check_port(settings: Settings) -> None:
    """Leave with one line where gunicorn would try five times and print each."""
    if not _patiently(lambda: _bindable(settings.bind, settings.port), ORPHANS_LEAVE):
        refuse(f"port {settings.port} is taken; choose another one with PORT")


def _bindable(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                refuse(f"cannot listen on {host} port {port}: {error.strerror or error}")
            return False
    return True


def _patiently(attempt: Callable[[], bool], patience: float) -> bool:
    """Return whether the attempt succeeds within so many seconds."""
    deadline = time.monotonic() + patience
    while not attempt():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
