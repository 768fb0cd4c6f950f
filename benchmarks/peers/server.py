"""How each peer is started."""

from __future__ import annotations

import json
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.load import Server
from benchmarks.process import BUILD, PYTHON, ROOT, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = "The release is on staging: please have a look at the new sign-in page before noon."
GUNICORN = (PYTHON, "-m", "gunicorn", "-k", "gevent", "--worker-connections", "20000")
GUNICORN_QUIET = (
    "--pythonpath",
    ROOT,
    "--backlog",
    "4096",
    "--no-control-socket",
    "--log-level",
    "warning",
)
UVICORN = (PYTHON, "-m", "uvicorn", "--app-dir", ROOT, "--loop", "uvloop", "--http", "httptools")


def descriptors() -> int:
    """Let this process and its children have as many descriptors as they may; return how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _event_like_ours(folder: Path) -> Path:
    """Write a body of the weight of one of our events: the peers pass on as many bytes as we do."""
    body = folder / "event.json"
    author = {"id": "user_" + "u" * 22, "name": "ada", "displayName": "Ada Lovelace"}
    event = {
        "type": "message:created",
        "id": "msg_" + "m" * 22,
        "content": f"%m {WORDS}",
        "html": f"<p>{'x' * 34} {WORDS}</p>\n",
        "userId": "user_" + "u" * 22,
        "groupId": "group_" + "g" * 22,
        "createdAt": "2026-01-01T12:00:00.000000Z",
        "editedAt": None,
        "clientId": None,
        "author": {**author, "initials": "AL", "hue": 7},
    }
    body.write_text(json.dumps(event, separators=(",", ":")))
    return body


def _server(folder: Path, port: int, pids: tuple[int, ...]) -> Server:
    return Server(port, pids, "/stream", "/publish", _event_like_ours(folder))


@contextmanager
def flask_queue(folder: Path) -> Iterator[Server]:
    """Plain Flask with a gevent queue a reader, under gunicorn's gevent worker."""
    port = free_port()
    address = ("-b", f"127.0.0.1:{port}", "benchmarks.peers.flask_queue:app")
    with running([*GUNICORN, *GUNICORN_QUIET, *address], port, folder / "log") as pids:
        yield _server(folder, port, pids)


@contextmanager
def starlette(folder: Path) -> Iterator[Server]:
    """sse-starlette on uvicorn with uvloop."""
    port = free_port()
    address = ("--port", str(port), "--backlog", "4096", "--log-level", "warning")
    command = [*UVICORN, *address, "--no-access-log", "benchmarks.peers.starlette_stream:app"]
    with running(command, port, folder / "log") as pids:
        yield _server(folder, port, pids)


def _nchan_settings(folder: Path, port: int) -> Path:
    text = (Path(__file__).parent / "nchan.conf").read_text()
    values = {"FOLDER": str(folder), "PORT": str(port), "NOFILE": str(descriptors())}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    settings = folder / "nginx.conf"
    settings.write_text(text)
    return settings


@contextmanager
def nchan(folder: Path) -> Iterator[Server]:
    """nginx with Nchan, one worker."""
    port = free_port()
    settings = _nchan_settings(folder, port)
    command = ["/usr/sbin/nginx", "-c", str(settings), "-e", str(folder / "error.log")]
    with running(command, port, folder / "log") as pids:
        yield _server(folder, port, pids)


@contextmanager
def send_loop(folder: Path) -> Iterator[Server]:
    """The bare loop of send() in C."""
    port = free_port()
    with running([BUILD / "send_loop", str(port)], port, folder / "log") as pids:
        yield _server(folder, port, pids)


@contextmanager
def naive(folder: Path, messages: int) -> Iterator[Server]:
    """The straightforward Flask-SQLAlchemy handlers, with so many messages in the conversation."""
    port = free_port()
    env = {"BENCH_DATABASE": str(folder / "naive.db"), "BENCH_MESSAGES": str(messages)}
    address = ("-b", f"127.0.0.1:{port}", "benchmarks.peers.naive:app")
    body, tokens = folder / "body.json", folder / "tokens"
    body.write_text(json.dumps({"content": f"%m {WORDS}", "conversationId": 1}))
    tokens.write_text("naive-token\n")
    with running([*GUNICORN, *GUNICORN_QUIET, *address], port, folder / "log", env=env) as pids:
        page = "/messages?conversationId=1"
        yield Server(port, pids, "", "/messages", body, tokens, page)
