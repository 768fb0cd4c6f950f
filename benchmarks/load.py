"""Runs the load generator (benchmarks/load, in C) against a server."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.process import BUILD

if TYPE_CHECKING:
    from pathlib import Path

Result = dict[str, Any]

#: Above every bound of its own, so that it ends even if the generator hangs.
LIMIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and how to talk to it."""

    port: int
    pids: tuple[int, ...]
    stream: str
    post: str
    #: What is posted, with %m where the marker goes.
    body: Path
    #: Bearer tokens, one a line.
    tokens: Path | None = None
    #: A page of 50 messages.
    page: str = ""
    #: The ports of its other instances: streams and posts are spread over all of them.
    more_ports: tuple[int, ...] = ()

    def arguments(self) -> list[str]:
        """Return the generator's options that say where the server is."""
        where: dict[str, Any] = {"path": self.stream}
        where |= {"body": self.body, "post-path": self.post}
        if self.tokens:
            where["tokens"] = self.tokens
        each = {"--port": (self.port, *self.more_ports), "--pid": self.pids}
        several = [word for name, all_ in each.items() for one in all_ for word in (name, str(one))]
        return _options(where) + several


def _options(values: dict[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


def run(mode: str, server: Server, **options: object) -> Result:
    """Measure ``server`` in one of the generator's modes; options as its command line's."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    command = [str(BUILD / "load"), mode, *server.arguments(), *_options(named)]
    answer = subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_SECONDS)
    result: Result = json.loads(answer.stdout)
    return result
