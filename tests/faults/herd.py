"""Thousands of clients come back at once while others post.

`python -m tests.faults.herd DIR N WORKERS`: on PostgreSQL, or on SQLite, which has 0 WORKERS.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from urllib.request import Request, urlopen

from benchmarks import load
from benchmarks.scaling import chat

#: What each of them has missed.
MISSED = 5
POSTERS = 2
#: Seconds between two posts of one: whoever comes later has missed what was posted meanwhile, too.
PAUSE = 1


class Member:
    """One of the group, who calls without hurry."""

    def __init__(self, server: load.Server, number: int) -> None:
        assert server.tokens is not None
        self._server = server
        self._headers = {"Authorization": f"Bearer {server.tokens.read_text().split()[number]}"}
        self._body = server.body.read_text()
        #: Seconds that each post took.
        self.taken: list[float] = []

    def cursor(self) -> str:
        """Return where the log is now."""
        with self._call("/api/conversations", None) as answer:
            return str(answer.headers["Chat-Cursor"])

    def post(self) -> None:
        """Post, and keep how long that took; raises where it is refused."""
        began = time.monotonic()
        self._call(self._server.post, self._body.replace("%m", "meanwhile").encode()).close()
        self.taken.append(time.monotonic() - began)

    def post_until(self, over: Event) -> None:
        """Post one after another, in a group in which everybody hears each of them."""
        while not over.wait(PAUSE):
            self.post()

    def _call(self, path: str, body: bytes | None) -> http.client.HTTPResponse:
        headers = {**self._headers, "Content-Type": "application/json"}
        answer: http.client.HTTPResponse = urlopen(
            Request(f"http://127.0.0.1:{self._server.port}{path}", body, headers), timeout=60
        )
        return answer


def main(folder: Path, streams: int, workers: int) -> int:
    """Print what was seen; return 1 if it is not what must hold."""
    folder.mkdir(exist_ok=True)
    run = folder / "run"
    run.mkdir()
    over = Event()
    with chat(run, 1, workers) as running:
        (server,) = running.servers
        members = [Member(server, number) for number in range(POSTERS)]
        cursor = members[0].cursor()
        for _ in range(MISSED):
            members[0].post()
        members[0].taken.clear()
        posters = [Thread(target=member.post_until, args=(over,)) for member in members]
        for poster in posters:
            poster.start()
        returning = replace(server, stream=f"{server.stream}&cursor={cursor}")
        herd = load.run("opens", returning, streams=streams, in_flight=512, seconds=60)
        alive = [poster.is_alive() for poster in posters]
        over.set()
        for poster in posters:
            poster.join()
    seconds = herd["opened"] / herd["opened_per_second"]
    taken = sorted(each for member in members for each in member.taken)
    p50, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    print(json.dumps(herd))
    print(f"{herd['opened']} of {streams} are back after {seconds:.1f} s")
    print(f"{len(taken)} posts meanwhile: p50 {p50:.2f}, p99 {p99:.2f}, max {taken[-1]:.2f} s")
    none_refused = herd["opened"] == streams and herd["failed"] == herd["dropped"] == 0
    return int(not (none_refused and all(alive) and seconds < 30 and p99 < 2))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
