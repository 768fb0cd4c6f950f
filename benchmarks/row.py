"""What a row of the table is: who takes part, what is measured, which numbers are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.load import Result, Server

#: The peers, and ours, of docs/PERFORMANCE.md.
COLUMNS = {
    "flask": "Flask + queue",
    "starlette": "sse-starlette",
    "nchan": "Nchan",
    "c": "C send()",
    "ours": "ours",
}

#: Starts a server on files in this folder.
Start = Callable[[Path], AbstractContextManager[Server]]
#: Takes one measurement in this folder, a short one where the flag says so.
Contestant = Callable[[Path, bool], Result]


@dataclass(frozen=True, slots=True)
class Line:
    """A number to show: its title, where it lies in a result (dots lead inwards), its digits."""

    title: str
    key: str
    digits: int = 1

    def of(self, result: Result) -> float | None:
        """Return the number, or None where this result has none."""
        value: object = result
        for part in self.key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return float(value) if isinstance(value, (int, float)) else None


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement of every contestant, and the lines that it gives the table."""

    name: str
    contestants: dict[str, Contestant]
    lines: tuple[Line, ...]
    #: False where one long measurement says as much as three.
    repeated: bool = True
    #: Who takes part, in order, with their titles.
    columns: Mapping[str, str] = field(default_factory=lambda: COLUMNS)


def served(start: Start, measure: Callable[[Server, bool], Result]) -> Contestant:
    """Return the contestant that measures a server started freshly for it."""
    return partial(_measure_served, start, measure)


def _measure_served(
    start: Start, measure: Callable[[Server, bool], Result], folder: Path, quick: bool
) -> Result:
    with start(folder) as server:
        return measure(server, quick)
