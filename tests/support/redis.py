"""A Redis that tests start on a free port, kill, freeze and bring back."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Self

import redis
from redis.client import PubSub
from redis.exceptions import RedisError

from tests.support.elsewhere import Elsewhere
from tests.support.server import free_port
from tests.support.wait import PATIENCE
from tests.support.wheels import program


class RedisServer:
    """One server that keeps nothing, on the same port whenever it is started again.

    It may live ``elsewhere``, and takes more ``options`` of redis-server.
    """

    def __init__(self, elsewhere: Elsewhere | None = None, **options: str) -> None:
        self.port = free_port()
        self.host = elsewhere.there if elsewhere else "127.0.0.1"
        self.url = f"redis://{self.host}:{self.port}/0"
        self._options = options
        self._place = elsewhere.command() if elsewhere else []
        self._folder = tempfile.TemporaryDirectory(prefix="chat-redis-")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {"port": str(self.port), "bind": self.host, "save": "", "appendonly": "no"}
        options |= {"protected-mode": "no"} | self._options
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        binary = program("redis-server")
        if binary is None:
            raise RuntimeError("Redis is not installed: apt-get install redis-server")
        self._process = subprocess.Popen(
            [*self._place, binary, *flags, "--dir", self._folder.name],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Redis did not start")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            self.call("PING")
        except RedisError:
            return False
        return True

    def call(self, *command: str) -> Any:
        """Run a command."""
        with redis.Redis(self.host, self.port, socket_timeout=5, decode_responses=True) as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        """Kill it, thawed or frozen."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def overheard(self, pattern: str) -> Iterator[Callable[[], list[bytes]]]:
        """Listen to its channels; what is handed out returns what was said since it was asked."""
        with (
            redis.Redis(self.host, self.port) as client,
            closing(PubSub(client.connection_pool)) as ear,
        ):
            ear.psubscribe(pattern)
            ear.get_message(timeout=PATIENCE)  # it is subscribed
            yield lambda: [message["data"] for message in iter(ear.get_message, None)]

    def listeners(self) -> int:
        """Return how many clients are subscribed to something."""
        return sum("sub=1" in line for line in self.call("CLIENT", "LIST").splitlines())
