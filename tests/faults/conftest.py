"""A server that all fault tests share, and people on it; what breaks it has one of its own."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chatapp import create_app
from chatapp.domain import accounts
from tests.support import apps
from tests.support.databases import SqliteDatabases
from tests.support.listener import Listener
from tests.support.metrics import metric
from tests.support.oracle import Footprint, Verdict, footprint, judge, settle
from tests.support.probe import probe
from tests.support.sender import Sender
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Person, Team
from tests.support.wait import until


class Arena:
    """A gunicorn, the people on it, and its clients."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = server.port
        self.database = server.data_dir / "chat.db"
        self.app = create_app(settings_for(server.data_dir))
        self.team = Team(self.app)
        self.admin = self.team.person("root", admin=True)
        self._people = 0
        self._warming = Sender(self.port, self.admin, self.team.group(self.admin))
        self.senders: list[Sender] = []
        self.listeners: list[Listener] = []
        self._at_rest: Footprint | None = None

    def person(self) -> Person:
        """Make somebody of a name that is new."""
        self._people += 1
        return self.team.person(f"p{self._people}")

    def listen(
        self,
        person: Person,
        *conversations: str,
        receive_buffer: int = 0,
        headers: dict[str, str] | None = None,
    ) -> Listener:
        """Open a client's stream, and wait until it is live."""
        listener = Listener(
            self.port, person, *conversations, receive_buffer=receive_buffer, headers=headers
        )
        self.listeners.append(listener.start())
        until(lambda: listener.is_live, "a live stream")
        return listener

    def sender(self, person: Person, conversation: str, *, length: int = 0) -> Sender:
        """Return a client that sends; it has sent nothing yet."""
        sender = Sender(self.port, person, conversation, length=length)
        self.senders.append(sender)
        return sender

    def storm(self, people: int, senders: int) -> str:
        """Make a group in which everybody listens and some send without a pause; return its id."""
        members = [self.person() for _ in range(people)]
        group = self.team.group(*members)
        for member in members:
            self.listen(member, group)
        for member in members[:senders]:
            self.sender(member, group).start()
        return group

    def acknowledged(self) -> int:
        """Return how many sends have been acknowledged so far."""
        return sum(len(sender.acknowledged) for sender in self.senders)

    def until_acknowledged(self, more: int) -> None:
        """Wait for so many more acknowledgements."""
        goal = self.acknowledged() + more
        until(lambda: self.acknowledged() >= goal, f"{more} acknowledgements")

    def verdict(self) -> Verdict:
        """Let things settle, and judge."""
        for sender in self.senders:
            sender.stop()
        settle(self.senders[0], self.listeners)
        return judge(self.database, self.senders, self.listeners)

    def leave(self) -> None:
        """Send everybody home."""
        for sender in self.senders:
            sender.stop()
        for listener in self.listeners:
            listener.stop()
        self.senders, self.listeners = [], []

    def close(self) -> None:
        """Send everybody home for good."""
        self.leave()
        apps.close(self.app)

    @property
    def worker(self) -> int:
        """The newest worker's process id."""
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text()
        return max(map(int, children.split()), default=0)

    def kill_worker(self) -> None:
        """Kill the worker as the kernel does when memory runs out, and wait for another."""
        killed = self.worker
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.worker not in (0, killed), "a new worker")

    def metric(self, name: str, **labels: str) -> float:
        """Return one of the worker's numbers; 0 where it has seen nothing of these labels yet."""
        return metric(self.port, name, **labels)

    def footprint(self) -> Footprint:
        """Look at what the worker holds, after a commit: the first one starts a thread that stays.

        Each sender's group is written to: who left is noticed at the second write, as the first
        one draws the RST.
        """
        for sender in (*self.senders, self._warming):
            sender.send()
        return footprint(self.port, self.worker, self.admin.token)

    def note_rest(self) -> None:
        """Note what the worker holds of nobody, after somebody was there."""
        self.listen(self.admin)
        self.leave()
        until(lambda: self._looked_over().streams == 0, "nobody")
        self._at_rest = self._looked_over()

    def until_at_rest(self) -> None:
        """Send everybody home, and wait until the worker holds nothing of them."""
        self.leave()
        held: list[Footprint] = []

        def is_at_rest() -> bool:
            held[:] = [self._looked_over()]
            return held == [self._at_rest]

        try:
            until(is_at_rest, "rest")
        except AssertionError:
            pytest.fail(f"{held} is held, not {self._at_rest}")

    def _looked_over(self) -> Footprint:
        """Look at what is held, but for threads: some tests are the first to need one."""
        self._write_to_all()
        return replace(self.footprint(), threads=0)

    def _write_to_all(self) -> None:
        """Write to every stream: somebody has a new name."""
        with self.app.app_context():
            name = f"Root {secrets.token_hex(4)}"
            accounts.change_display_name(self.admin.identity, name)
        self._warming.send()  # rings for it

    def until_as_before(self, before: Footprint) -> None:
        """Hang up all listeners, and wait until the worker holds what it did without them."""
        for listener in self.listeners:
            listener.stop()
        until(lambda: self.footprint() == before, f"{before}, not {self.footprint()}")


@pytest.fixture
def data_dir(sqlite: SqliteDatabases, tmp_path: Path) -> Path:
    """A data folder with a migrated SQLite database."""
    folder = tmp_path / "data"
    folder.mkdir()
    sqlite.make(folder)
    return folder


@contextmanager
def open_arena(data_dir: Path, **env: str) -> Iterator[Arena]:
    """A server with these settings, and afterwards nobody left on it."""
    with Server(data_dir, None, **env) as server:
        arena = Arena(server)
        try:
            yield arena
        finally:
            arena.close()


@pytest.fixture(scope="session")
def shared_arena(
    sqlite: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("arena") / "data"
    folder.mkdir()
    sqlite.make(folder)
    # A stream that was cut counts until it is written to, and these tests cut hundreds.
    env = {"CHAT_STREAMS_PER_USER": "2000", **probe(tmp_path_factory.mktemp("probe"))}
    with open_arena(folder, **env) as arena:
        arena.note_rest()
        yield arena


@pytest.fixture
def arena(shared_arena: Arena) -> Iterator[Arena]:
    """A server without clients, which all these tests share, and each leaves as it was."""
    yield shared_arena
    shared_arena.until_at_rest()


@pytest.fixture
def own_arena(data_dir: Path) -> Iterator[Arena]:
    """A server of the test's own."""
    with open_arena(data_dir) as arena:
        yield arena
