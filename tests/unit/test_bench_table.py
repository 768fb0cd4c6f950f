"""The table of scripts/bench: what stands in it is what was measured."""

import json
from pathlib import Path

import pytest

from benchmarks import load, table
from benchmarks.__main__ import RESULTS, ROWS, SETS, _rotated
from benchmarks.row import Line, Row

LATENCY = Line("p50, ms", "latency_ms.p50")
FAULTS = Line("faults", "faults", 0)


def _measured(p50: float, faults: int) -> load.Result:
    return {"latency_ms": {"p50": p50}, "faults": faults}


def test_a_cell_is_the_median_of_the_rounds() -> None:
    assert table.middle(LATENCY, [_measured(9, 0), _measured(1, 0), _measured(2, 0)]) == 2


def test_faults_are_summed_for_a_median_would_hide_them() -> None:
    assert table.middle(FAULTS, [_measured(1, 0), _measured(1, 0), _measured(1, 7)]) == 7


def test_what_was_not_measured_is_a_dash() -> None:
    row = Row("one", {}, (LATENCY,))
    text = table.render([row], {"one": {"ours": [_measured(1234.56, 0)]}})
    assert text.splitlines()[-1].endswith(
        "| -             | -             | -     | -        | 1,234.6 |"
    )


def test_another_server_goes_first_in_each_round() -> None:
    assert [_rotated(["a", "b", "c"], turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]


def test_every_row_has_a_name_of_its_own_and_columns_of_the_table() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(set(row.contestants) <= set(row.columns) for row in ROWS)


def test_the_generator_is_told_where_the_server_is() -> None:
    server = load.Server(80, (7, 8), "/stream", "/publish", Path("body"), Path("tokens"))
    words = " ".join(server.arguments())
    assert "--path /stream" in words
    assert words.endswith("--port 80 --pid 7 --pid 8")


@pytest.mark.parametrize(
    ("rows", "saved", "page"),
    [("peers", "summary.json", "PERFORMANCE.md"), ("scale", "scale.json", "SCALING.md")],
)
def test_the_page_shows_what_was_saved(rows: str, saved: str, page: str) -> None:
    medians = json.loads((RESULTS / saved).read_text())["medians"]
    text = (RESULTS.parents[1] / "docs" / page).read_text()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    shown = {row[0]: row[1:] for row in cells if row}
    lines = [(row, line) for row in SETS[rows] for line in row.lines if line.title in medians]
    assert {line.title for _, line in lines} == medians.keys()
    for row, line in lines:
        numbers = [medians[line.title].get(name) for name in row.columns]
        wanted = ["-" if n is None else f"{n:,.{line.digits}f}" for n in numbers]
        assert shown[line.title] == wanted
