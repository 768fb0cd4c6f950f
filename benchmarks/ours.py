"""Starts our own server, whole, on data made once for each number of messages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from benchmarks.load import Server
from benchmarks.peers.server import WORDS
from benchmarks.process import PYTHON, ROOT, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS = 50
#: What the measurements go beyond; everything else is as one would run it.
LIMITS = {"CHAT_STREAMS_PER_USER": "100000", "CHAT_STREAMS": "15000", "CHAT_POSTS_PER_MINUTE": "0"}


def _settings(data: Path) -> dict[str, str]:
    unset = {"DATABASE_URL": "", "REDIS_URL": "", "WEB_CONCURRENCY": "1", "BIND": "127.0.0.1"}
    return {**unset, **LIMITS, "CHAT_DATA_DIR": str(data)}


def make_team(
    settings: dict[str, str], messages: int = 0, conversations: int = 1
) -> tuple[str, str]:
    """Make the people and what they are in, where ``settings`` say.

    Returns the group's id, and the cursor of who has missed five messages.
    """
    numbers = {
        "BENCH_USERS": str(USERS),
        "BENCH_MESSAGES": str(messages),
        "BENCH_CONVERSATIONS": str(conversations),
    }
    made = subprocess.run(
        [PYTHON, "-m", "benchmarks.team"],
        check=True,
        cwd=ROOT,
        env={**os.environ, **settings, **numbers},
        stdout=subprocess.PIPE,
        timeout=300,
    )
    group_id, cursor = made.stdout.decode().split()[-2:]
    return group_id, cursor


@cache
def _prepared(base: Path, messages: int, conversations: int) -> tuple[Path, str, str]:
    """Make a data folder to copy from; return it, the group's id, and a cursor."""
    data = Path(mkdtemp(dir=base))
    return data, *make_team(_settings(data), messages, conversations)


@contextmanager
def ours(folder: Path, messages: int = 0, conversations: int = 1) -> Iterator[Server]:
    """The whole application, with so many messages in the conversation.

    A stream is of that conversation; where everybody is in more than one, it is a page's: of all of
    them, with a cursor that five messages were missed since.
    """
    prepared, group_id, cursor = _prepared(folder.parent, messages, conversations)
    data = Path(shutil.copytree(prepared, folder / "data"))
    body = folder / "body.json"
    body.write_text(json.dumps({"content": f"%m {WORDS}", "groupId": group_id}))
    port = free_port()
    env = {**_settings(data), "PORT": str(port)}
    command = [PYTHON, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:app"]
    with running(command, port, folder / "log", alive="/healthz", env=env, cwd=ROOT) as pids:
        yield Server(
            port,
            pids,
            stream="/api/sse?"
            + (f"cursor={cursor}" if conversations > 1 else f"channel=group:{group_id}"),
            post="/api/messages",
            body=body,
            tokens=data / "tokens",
            page=f"/api/messages?groupId={group_id}&limit=50",
        )
