"""Watching a process's system calls, and letting them fail, with strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.wait import until


def require(tool: str) -> None:
    """Skip the test where ``tool`` is missing; in CI it must not be."""
    if shutil.which(tool) is None:
        message = f"{tool} is not installed"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)


@contextmanager
def strace(process: int, output: Path, *options: str) -> Iterator[None]:
    """Trace a process with all its threads while the body runs."""
    require("strace")
    command = ["strace", "-f", "-qq", "-s", "40", "-o", str(output)]
    command += [*options, "-p", str(process)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        until(lambda: tracer.poll() is not None or _is_traced(process, tracer.pid), "strace")
        if tracer.poll() is not None:
            # No installation cures that, so it is no failure in CI either.
            assert tracer.stderr is not None
            pytest.skip(f"strace may not attach here: {tracer.stderr.read().decode().strip()}")
        yield
    finally:
        tracer.terminate()
        tracer.wait()
        assert tracer.stderr is not None
        tracer.stderr.close()


def _is_traced(process: int, tracer: int) -> bool:
    """Whether each of the process's threads is."""
    tasks = list(Path(f"/proc/{process}/task").iterdir())
    wanted = f"TracerPid:\t{tracer}\n"
    return all(wanted in (task / "status").read_text() for task in tasks)


def syncs_before_each_201(output: Path) -> list[int]:
    """Return, for each answer 201 in a trace of one client's posts, the syncs since its request."""
    counts, syncs = [], 0
    for line in output.read_text().splitlines():
        if '"POST /api/messages' in line and "recvfrom" in line:
            syncs = 0
        elif re.search(r"\bf(data)?sync\b.*= 0", line):
            syncs += 1
        elif re.search(r'send(to|msg)?\(.*"HTTP/1\.1 201', line):
            counts.append(syncs)
    return counts


class SyncedPosts(NamedTuple):
    """What a trace of posts at once shows: each answer 201, and how many syncs there were."""

    #: For each, whether a sync that began after its request had returned before it.
    synced: list[bool]
    syncs: int


def synced_posts(output: Path) -> SyncedPosts:
    """Read a trace of posts that came at once, each on a connection of its own."""
    asked: dict[str, int] = {}
    begun: dict[str, int] = {}
    synced, syncs, last_done = [], 0, -1
    for number, line in enumerate(output.read_text().splitlines()):
        thread = line.split()[0]
        if _SYNC_BEGINS.search(line):
            begun[thread] = number
        if _SYNC_RETURNS.search(line):
            syncs, last_done = syncs + 1, max(last_done, begun[thread])
        if found := _POST.search(line):
            asked[found[1]] = number
        elif found := _CREATED.search(line):
            synced.append(last_done > asked.pop(found[1]))
    return SyncedPosts(synced, syncs)


_SYNC_BEGINS = re.compile(r"\bf(data)?sync\(")
_SYNC_RETURNS = re.compile(r"\bf(data)?sync\b.*= 0")
_POST = re.compile(r'recvfrom\((\d+), "POST /api/messages')
_CREATED = re.compile(r'send(?:to|msg)?\((\d+), .*"HTTP/1\.1 201')
