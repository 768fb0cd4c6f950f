"""The stream as npm's ``eventsource`` reads it: a client that nobody here wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from tests.support.http import Http
from tests.support.server import ROOT, Server
from tests.support.team import Person, Team

pytestmark = pytest.mark.delivery

CLIENTS = ROOT / "tests" / "clients"


class Node:
    """A node process that prints what its EventSource hears."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output

    def next(self) -> dict[str, Any]:
        """Return the next line but pings."""
        line = self._output.readline()
        assert line, "the client has ended"
        return dict(json.loads(line))

    def until(self, type_: str) -> list[dict[str, Any]]:
        """Return what comes up to an event of this type, with it."""
        lines = [self.next()]
        while lines[-1]["type"] != type_:
            lines.append(self.next())
        return lines


Listen = Callable[..., Node]


@pytest.fixture
def listen(server: Server) -> Iterator[Listen]:
    """Start clients; they end with the test."""
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules" / "eventsource").exists():
        assert os.environ.get("CI") != "true", "CI runs these, too: scripts/test installs them"
        pytest.skip("node or npm's eventsource is missing; scripts/test installs them")
    processes: list[subprocess.Popen[str]] = []

    def listen(person: Person, *names: str, query: str = "") -> Node:
        command = [node, "listen.mjs", f"{server.url}/api/sse{query}", person.token, *names]
        process = subprocess.Popen(command, cwd=CLIENTS, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return Node(process.stdout)

    with _ended(processes):
        yield listen


@contextmanager
def _ended(processes: list[subprocess.Popen[str]]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_plain_message_reaches_onmessage(
    http: Http, listen: Listen, ann: Person, bob: Person, dm: str
) -> None:
    client = listen(bob, "ready", "message:updated")
    assert client.next()["type"] == "open"
    assert client.next()["type"] == "ready"
    sent = http.say(ann, dm, "Hello\n**Bob** \N{LINE SEPARATOR}\N{GRINNING FACE}")
    heard = client.next()
    assert heard["type"] == "message"
    assert heard["data"] == {"type": "message:created", **sent}
    edit = http.call(ann, "PATCH", f"/api/messages/{sent['id']}", json={"content": "Hi"}).json()
    assert client.next()["data"] == {"type": "message:updated", **edit}


def test_named_channels_and_a_first_cursor(
    http: Http, team: Team, listen: Listen, ann: Person, bob: Person, dm: str
) -> None:
    group = team.group(ann, bob)
    cursor = http.call(bob, "GET", "/api/conversations").headers["Chat-Cursor"]
    http.say(ann, group, "elsewhere")
    missed = http.say(ann, dm, "missed")
    client = listen(bob, "ready", query=f"?channel=dm:{dm}&cursor={cursor}")
    heard = client.until("ready")
    assert [line["data"]["id"] for line in heard if line["type"] == "message"] == [missed["id"]]


def test_it_resumes_by_itself_after_a_kill_exactly(
    server: Server, listen: Listen, ann: Person, bob: Person, dm: str
) -> None:
    client = listen(bob, "ready")
    client.until("ready")
    sent = []
    for life in range(2):
        with Http(server.url) as http:
            sent += [http.say(ann, dm, f"{life}: {n}")["id"] for n in range(3)]
        server.kill()
        server.start()
    with Http(server.url) as http:
        sent.append(http.say(ann, dm, "last")["id"])
    heard: list[str] = []
    while sent[-1] not in heard:
        line = client.next()
        assert not line.get("closed"), "it has given up"
        if line["type"] == "message":
            heard.append(line["data"]["id"])
    assert heard == sent


def test_a_refusal_closes_it_for_good(
    http: Http, server: Server, listen: Listen, ann: Person, bob: Person, dm: str
) -> None:
    ann.token += "x"
    refused = listen(ann).next()
    assert refused == {"type": "error", "code": 401, "closed": True}
