"""How pytest-xdist shares the tests out: a file at a time, and tests/browser as one.

Files keep the order in which they were collected, so that what waits long begins first.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

#: Files that make a network. Chromium drops its connections when the machine's networks change, so
#: they run in the process that runs it, before or after.
NETWORKS = {"tests/scale/test_dropped_packets.py", "tests/faults/test_vanished.py"}


class Suites(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives each process one file, or one folder, after another."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        # One Chromium at a time: two would wait for each other's processor.
        alone = path.startswith("tests/browser/") or path in NETWORKS
        return "tests/browser" if alone else path


def sendable(report: Any) -> Any:
    """Spell out half characters, in which hostile texts are rich: xdist cannot send them."""
    match report:
        case str():
            return report.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: sendable(value) for key, value in report.items()}
        case list():
            return [sendable(value) for value in report]
        case tuple():  # where a test was skipped, and why: pytest wants it as it was
            return tuple(sendable(value) for value in report)
        case _:
            return report
