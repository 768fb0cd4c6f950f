"""Several servers on one PostgreSQL and one Redis, and the people on them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psycopg

from chatapp import create_app
from chatapp.extensions import db
from tests.support import raw_http
from tests.support.databases import lead_to
from tests.support.listener import Listener
from tests.support.oracle import MESSAGES, Verdict, judge_rows, settle
from tests.support.sender import Sender
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Person, Team
from tests.support.wait import until

#: Seconds between the sends of one sender: without it four of them, each message read by two dozen
#: clients, leave a small machine with nothing for the test and for the tests beside it.
PAUSE = 0.05


class Cluster:
    """Two machines, as it were: gunicorns with a data folder each and one secret key.

    ``Server`` starts them one after another; nothing but the database and Redis connects them.
    """

    def __init__(self, folder: Path, database_url: str, redis_url: str | None, **env: str) -> None:
        self.database_url = database_url
        self._stack = ExitStack()
        shared = {"SECRET_KEY": "the test's", "CHAT_DATABASE_CONNECTIONS": "10"}
        if redis_url is None:
            # Two without any would be refused; this one is always away.
            shared |= {"REDIS_URL": "redis://127.0.0.1:1"}
        else:
            shared |= {"REDIS_URL": redis_url, "WEB_CONCURRENCY": "2"}
        self.servers = [self._server(folder / name, shared | env) for name in ("one", "two")]
        self.app = create_app(
            settings_for(self.servers[0].data_dir, SECRET_KEY=shared["SECRET_KEY"])
        )
        self.team = Team(self.app)
        self.senders: list[Sender] = []
        self.listeners: list[Listener] = []

    def __enter__(self) -> Self:
        with self._stack as stack:
            for server in self.servers:
                stack.enter_context(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self._stack.close()
        with self.app.app_context():
            db.engine.dispose()

    def leave(self) -> None:
        """Send everybody home."""
        for listener in self.listeners:
            listener.stop()
        for sender in self.senders:
            sender.leave()
        self.listeners, self.senders = [], []

    @property
    def ports(self) -> list[int]:
        """Where the servers listen."""
        return [server.port for server in self.servers]

    def listen(
        self,
        person: Person,
        *conversations: str,
        ports: Sequence[int] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        """Open streams until each worker has one, which the kernel's choice makes likely."""
        for port in ports or self.ports:
            for _ in range(3):
                listener = Listener(port, person, *conversations, headers=headers).start()
                self.listeners.append(listener)
        until(lambda: all(one.is_live for one in self.listeners), "live streams")

    def send(self, person: Person, conversation: str, port: int) -> Sender:
        """Let somebody send and send."""
        sender = Sender(port, person, conversation, pause=PAUSE).start()
        self.senders.append(sender)
        return sender

    def storm(self, people: int = 4) -> list[Person]:
        """Let people send in one group, through both servers, and everybody listen."""
        members = self.team.people(*(f"p{number}" for number in range(people)))
        group = self.team.group(*members)
        for member in members:
            self.listen(member, group)
        for number, member in enumerate(members):
            self.send(member, group, self.ports[number % 2])
        return members

    def until_acknowledged(self, more: int) -> None:
        """Wait until each sender has so many more acknowledgements."""
        goals = [(sender, len(sender.acknowledged) + more) for sender in self.senders]
        until(
            lambda: all(len(sender.acknowledged) >= goal for sender, goal in goals),
            f"{more} more acknowledgements for each",
        )

    def verdict(self) -> Verdict:
        """Let things settle, and judge."""
        for sender in self.senders:
            sender.stop()
        settle(self.senders[0], self.listeners)
        with psycopg.connect(self.database_url) as connection:
            rows: list[Any] = connection.execute(MESSAGES.encode()).fetchall()
        return judge_rows(rows, self.senders, self.listeners)

    def failures(self) -> set[str]:
        """Return what failed tries to send ended with: statuses, names of exceptions."""
        return {failure for sender in self.senders for failure in sender.failures}

    def ready(self, server: int = 0) -> dict[str, str]:
        """Return what a worker of a server says about itself."""
        answer = raw_http.call(self.ports[server], "GET", "/readyz")
        return {"code": str(answer.status), **answer.json}

    def until_all_say(self, **fields: str) -> None:
        """Wait until a dozen answers in a row, so probably every worker's, have these fields."""
        until(
            lambda: all(fields.items() <= self.ready(number % 2).items() for number in range(12)),
            f"readyz: {fields}",
        )

    def workers(self) -> list[int]:
        """Return the process ids of all workers."""
        return [
            int(child)
            for server in self.servers
            for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        ]

    def kill(self, worker: int, number: int) -> None:
        """Send a worker a signal."""
        assert worker in self.workers()
        os.kill(worker, number)

    def _server(self, data_dir: Path, env: dict[str, str]) -> Server:
        data_dir.mkdir()
        lead_to(data_dir, self.database_url)
        return Server(data_dir, None, **env)
