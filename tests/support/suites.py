"""How pytest-xdist shares the tests out: a file at a time, and tests/browser in two halves.

Files keep the order in which they were collected, so that what waits long begins first.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

#: The files of tests/browser that take half of its time; a new one goes with the others.
HALF = {
    f"tests/browser/test_{name}.py"
    for name in ("fallback", "leader", "memory", "reading", "recovery", "typing")
}


class Suites(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives each process one file after another, and two of them a Chromium."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        # No more than two at a time: they would wait for each other's processor.
        if path.startswith("tests/browser/"):
            return "tests/browser, one half" if path in HALF else "tests/browser, the other"
        return path


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
