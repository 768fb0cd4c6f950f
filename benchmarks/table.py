"""Medians, and the one table."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load import Result
    from benchmarks.row import Line, Row

#: Row name → server → its results, one a round.
Results = dict[str, dict[str, list["Result"]]]


def middle(line: Line, results: Sequence[Result]) -> float | None:
    """Return the median of a line's numbers; their sum where it counts faults."""
    numbers = [number for result in results if (number := line.of(result)) is not None]
    if not numbers:
        return None
    return sum(numbers) if line.key in ("faults", "failed", "refused") else median(numbers)


def _cell(line: Line, results: Sequence[Result]) -> str:
    number = middle(line, results)
    return "-" if number is None else f"{number:,.{line.digits}f}"


def noise(results: Results) -> float:
    """Return the most that others took of the machine while something was measured, in percent."""
    taken = [one for servers in results.values() for several in servers.values() for one in several]
    return max((one.get("others_percent", 0.0) for one in taken), default=0.0)


def render(rows: Sequence[Row], results: Results) -> str:
    """Return the table as Markdown, its columns aligned for a terminal; all rows have the same."""
    columns = rows[0].columns
    cells = [["measure", *columns.values()]]
    cells += [
        [line.title, *(_cell(line, results.get(row.name, {}).get(name, [])) for name in columns)]
        for row in rows
        for line in row.lines
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    )
