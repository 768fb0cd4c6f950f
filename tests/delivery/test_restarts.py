"""Killed, stopped, started again: nothing lost, nothing twice, and everybody is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.http import Http, HttpStream
from tests.support.server import ROOT, Server, free_port
from tests.support.team import Person

pytestmark = pytest.mark.delivery


def test_a_killed_server_loses_and_doubles_nothing(
    server: Server, ann: Person, bob: Person, dm: str
) -> None:
    seen: list[str] = []
    cursor = ""
    acknowledged = []
    for life in range(3):
        with Http(server.url) as http:
            stream = http.listen(bob, cursor)
            seen += [json.loads(event.data)["id"] for event in stream.ready()]
            acknowledged += [http.say(ann, dm, f"{life}: {n}")["id"] for n in range(5)]
            # Two are seen live; what follows is on its way when the power goes.
            seen += [message["id"] for message in stream.messages(2)]
            cursor = stream.last_event_id
            server.kill()
            assert not server.answers()
        server.start()
    with Http(server.url) as http:
        seen += [json.loads(event.data)["id"] for event in http.listen(bob, cursor).ready()]
        assert [message["id"] for message in http.listed(bob, dm)] == acknowledged
    assert seen == acknowledged


def test_a_send_whose_answer_was_lost_is_repeated_safely(
    server: Server, ann: Person, bob: Person, dm: str
) -> None:
    with Http(server.url) as http:
        first = http.say(ann, dm, "Once", clientId="one")
    server.kill()
    server.start()
    with Http(server.url) as http:
        assert http.say(ann, dm, "Once", clientId="one") == first
        assert http.listed(bob, dm) == [first]


def test_a_worker_that_was_killed_is_replaced(
    server: Server, ann: Person, bob: Person, dm: str
) -> None:
    with Http(server.url) as http:
        stream = http.listen(bob)
        stream.ready()
        first = http.say(ann, dm, "before")
        assert stream.messages(1) == [{"type": "message:created", **first}]
        cursor = stream.last_event_id
        os.kill(_worker_of(server), signal.SIGKILL)
        assert stream.rest() == []
    server.wait_until(server.answers)
    with Http(server.url) as http:
        second = http.say(ann, dm, "after")
        replay = http.listen(bob, cursor).ready()
        assert [json.loads(event.data)["id"] for event in replay] == [second["id"]]
        assert http.listed(bob, dm) == [first, second]


def test_no_worker_is_added_to_a_server_that_was_started_with_one(server: Server) -> None:
    """SIGTTIN: on SQLite, or without Redis, the two would not hear each other."""
    server.signal(signal.SIGTTIN)
    server.wait_until(lambda: "no worker was added" in server.output())
    assert len(_workers_of(server)) == 1


def test_stopping_says_goodbye_to_every_stream(
    server: Server, http: Http, ann: Person, bob: Person, dm: str
) -> None:
    streams = [http.listen(person) for person in (ann, bob, bob)]
    for stream in streams:
        stream.ready()
    server.signal(signal.SIGTERM)
    for stream in streams:
        (goodbye,) = stream.rest()
        assert (goodbye.event, json.loads(goodbye.data)) == ("reconnect", {"reason": "restart"})
        assert goodbye.retry is not None
    # gunicorn alone would wait its graceful_timeout for open streams, and then kill them.
    assert server.wait() == 0
    assert not server.answers()
    assert "Traceback" not in server.output()


def test_a_reload_says_goodbye_and_the_new_worker_goes_on(
    server: Server, http: Http, ann: Person, bob: Person, dm: str
) -> None:
    stream = http.listen(bob)
    stream.ready()
    old = _worker_of(server)
    cursor = stream.last_event_id
    server.signal(signal.SIGHUP)
    (goodbye,) = stream.rest()
    assert json.loads(goodbye.data) == {"reason": "restart"}
    server.wait_until(lambda: _worker_of(server) != old and server.answers())
    with Http(server.url) as fresh:
        sent = fresh.say(ann, dm, "after the reload")
        replay = _once_back(fresh, bob, cursor).until(lambda event: event.event == "ready")
        assert [json.loads(event.data).get("id") for event in replay] == [sent["id"], None]


def _once_back(http: Http, person: Person, cursor: str) -> HttpStream:
    """Connect as EventSource does, until it is not the leaving worker that answers."""
    while True:
        stream = http.listen(person, cursor)
        assert stream.response.status_code == 200
        first = stream.next()
        if first.event != "reconnect":
            return stream.with_first(first)


@pytest.mark.sqlite
def test_a_second_server_on_the_same_data_refuses(server: Server) -> None:
    second = Server(server.data_dir, port=free_port())
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:app"]
    refused = subprocess.run(
        command, cwd=ROOT, env=second._env, capture_output=True, text=True, timeout=120, check=False
    )
    assert refused.returncode != 0
    lines = refused.stderr.splitlines()
    assert len(lines) == 1
    assert "already serves" in lines[0]
    assert server.answers()
    server.stop()
    with second:
        assert second.answers()


def _worker_of(server: Server) -> int:
    """Return the newest worker's process id."""
    return _workers_of(server)[-1]


def _workers_of(server: Server) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(child) for child in children]
