"""A PostgreSQL that tests start on a free port, from the machine's binaries or a wheel's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import gevent
import psycopg

from tests.support.elsewhere import Elsewhere
from tests.support.server import free_port
from tests.support.wait import PATIENCE
from tests.support.wheels import program

#: PostgreSQL refuses to run as root; Debian's package makes this user for it.
USER = "postgres"


def binaries() -> Path | None:
    """Return the folder of ``initdb`` and ``postgres``, the newest where there are several."""
    folders = [Path("/usr/lib/postgresql"), Path("/usr/pgsql"), Path("/opt/postgresql")]
    found = [path.parent for folder in folders for path in folder.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    initdb = program("initdb")
    return initdb.resolve().parent if initdb else None


class Postgres:
    """One server with a cluster of its own, thrown away at the end.

    ``durable`` waits for the disk as a real one does; else a clone costs some 50 ms. It may live
    ``elsewhere``, and takes more ``options`` of PostgreSQL.
    """

    def __init__(
        self, elsewhere: Elsewhere | None = None, *, durable: bool = False, **options: str
    ) -> None:
        folder = binaries()
        if folder is None:
            raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
        self._bin = folder
        self.port = free_port()
        self.host = elsewhere.there if elsewhere else "127.0.0.1"
        # Not below pytest's folder, into which another user may not look.
        self._home = Path(tempfile.mkdtemp(prefix="chat-postgres-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self._home, USER)
            self._as = {"user": USER, "extra_groups": []}
        # To go there takes root, so the user is changed behind the door.
        self._place = elsewhere.command(USER) if elsewhere else []
        self._start_as = {} if elsewhere else self._as
        self._options = options if durable else {"fsync": "off", **options}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        initdb = [str(self._bin / "initdb"), "-D", str(self._home / "data"), "-U", "chat"]
        # No sync at the end: it is thrown away.
        arguments = ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [*initdb, *arguments], cwd="/", check=True, stdout=subprocess.DEVNULL, **self._as
        )
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.host}/30 trust\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "port": str(self.port),
            "listen_addresses": self.host,
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            **self._options,
        }
        flags = [flag for pair in settings.items() for flag in ("-c", "=".join(pair))]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._place, self._bin / "postgres", "-D", self._home / "data", *flags],
                cwd="/",
                stdout=log,
                stderr=log,
                **self._start_as,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.output()}")
            time.sleep(0.05)

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """Stop it: at once, as after a power cut, unless SIGINT is asked for."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def restart(self) -> None:
        """Stop it at once and start it again: it recovers from its log."""
        self.stop()
        self.start()

    def restart_aside(self) -> None:
        """Restart while the greenlets of this process go on.

        Else a client that has just connected sends its request when the restart is over, and a
        server waits for one no longer than its ``keepalive`` before it hangs up.
        """
        gevent.get_hub().threadpool.apply(self.restart)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes, and let them go on afterwards: connections stay, and are mute."""
        assert self._process is not None
        first = self._process.pid
        # Its first process first, which would otherwise start others meanwhile.
        os.kill(first, signal.SIGSTOP)
        others = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        processes = [first, *map(int, others)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with suppress(ProcessLookupError):  # it had ended, and the first has seen it now
                    os.kill(process, signal.SIGCONT)

    def output(self) -> str:
        """Return what it has logged."""
        return (self._home / "log").read_text(errors="replace")

    @property
    def data(self) -> Path:
        """The folder with its data and configuration."""
        return self._home / "data"

    def url(self, name: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://chat@{self.host}:{self.port}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database; return its address."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Forget a database, whoever uses it."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, statement: str, name: str = "postgres") -> list[Any]:
        """Run a statement as the superuser; return its rows."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False


def waiters(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return int(row[0]) if row else 0
