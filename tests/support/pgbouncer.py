"""pgbouncer between us and a PostgreSQL, lending its connections by the transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.support.postgres import USER, Postgres
from tests.support.server import free_port
from tests.support.wait import PATIENCE

_CONFIG = """
[databases]
* = host={host} port={server_port} user=chat
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 200
{more}
"""


class Pgbouncer:
    """One pgbouncer, started on entering; ``more`` are lines of its configuration."""

    def __init__(self, postgres: Postgres, more: str = "") -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="chat-pgbouncer-"))
        self._config = _CONFIG.format(
            host=postgres.host, server_port=postgres.port, port=self.port, more=more
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        config = self._folder / "pgbouncer.ini"
        config.write_text(self._config)
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            # It refuses to run as root, as PostgreSQL does.
            shutil.chown(self._folder, USER)
            as_user = {"user": USER, "extra_groups": []}
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["pgbouncer", config], stdout=log, stderr=log, **as_user
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.output()[-1000:]
                self.__exit__(None, None, None)
                raise RuntimeError(f"pgbouncer did not start:\n{said}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, name: str) -> str:
        """Return the address of a database behind it."""
        return f"postgresql://chat@127.0.0.1:{self.port}/{name}"

    def output(self) -> str:
        """Return what it has logged."""
        return (self._folder / "log").read_text(errors="replace")

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url("postgres")):
            return True
        return False
