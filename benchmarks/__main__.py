"""`python -m benchmarks`, which scripts/bench calls once everything is built."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

from benchmarks import check, machine, scaling, table
from benchmarks import rows as peers
from benchmarks.peers.server import descriptors

if TYPE_CHECKING:
    from benchmarks.load import Result
    from benchmarks.row import Row

#: The rows with peers are measured where nothing is asked for; `scale` stands for all of its own.
SETS = {"peers": peers.ROWS, "scale": scaling.ROWS}
ROWS = (*peers.ROWS, *scaling.ROWS)
RESULTS = Path(__file__).parent / "results"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", add_help=False)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - {row.name for row in ROWS} - SETS.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}; --list names them")
    return arguments


def _rows(names: list[str]) -> list[Row]:
    """Return the rows of these names, and those of the sets of these names."""
    wanted = {row.name for name in names or ["peers"] for row in SETS.get(name, ())} | set(names)
    return [row for row in ROWS if row.name in wanted]


def _tables(rows: list[Row], results: table.Results) -> str:
    """Return a table for each set of columns."""
    kinds = {tuple(row.columns): row.columns for row in rows}
    return "\n\n".join(
        table.render([row for row in rows if tuple(row.columns) == kind], results) for kind in kinds
    )


def _rotated(names: list[str], by: int) -> list[str]:
    """Another server goes first in each round: a machine that warms up favours none."""
    by %= len(names)
    return names[by:] + names[:by]


def _take(row: Row, name: str, folder: Path, quick: bool) -> list[Result]:
    """Measure once; what fails is said at once, and costs no other measurement."""
    try:
        return [row.contestants[name](folder, quick)]
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or b""
        print(f"{row.name}, {name} failed: {error} {output.decode()}", file=sys.stderr, flush=True)
        return []


def _measure(row: Row, wanted: argparse.Namespace, base: Path, results: table.Results) -> None:
    names = [name for name in row.contestants if name in (wanted.only or row.contestants)]
    usual = 3 if row.repeated and not wanted.quick else 1
    for turn in range((wanted.rounds or usual) if names else 0):
        for name in _rotated(names, turn):
            print(f"{row.name}, round {turn + 1}: {name}", file=sys.stderr, flush=True)
            taken = _take(row, name, Path(mkdtemp(dir=base)), wanted.quick)
            results.setdefault(row.name, {}).setdefault(name, []).extend(taken)


def _keep(rows: list[Row], results: table.Results, save: bool) -> None:
    """Write everything that was measured, and the summary where it is asked for."""
    RESULTS.mkdir(exist_ok=True)
    described = machine.describe()
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    everything = {"machine": described, "results": results}
    (RESULTS / f"{now}.json").write_text(json.dumps(everything, indent=1))
    if save:
        medians = {
            line.title: {
                name: table.middle(line, taken) for name, taken in results[row.name].items()
            }
            for row in rows
            for line in row.lines
            if row.name in results
        }
        command = " ".join(["scripts/bench", *sys.argv[1:]])
        others = round(table.noise(results))
        summary = {"command": command, "machine": described, "othersPercent": others}
        text = json.dumps({**summary, "medians": medians}, indent=1, ensure_ascii=False)
        of_scale = rows[0].columns is scaling.COLUMNS
        (RESULTS / ("scale.json" if of_scale else "summary.json")).write_text(text + "\n")


def main() -> None:
    """Measure what was asked for."""
    wanted = _arguments()
    rows = _rows(wanted.rows)
    if wanted.list:
        print("\n".join(row.name for row in ROWS))
        return
    descriptors()
    if wanted.check:
        check.generator()
        return
    results: table.Results = {}
    with TemporaryDirectory(prefix="chatapp-bench-", ignore_cleanup_errors=True) as base:
        for row in rows:
            _measure(row, wanted, Path(base), results)
    print(_tables(rows, results))
    print(f"\nOther processes took up to {table.noise(results):.0f} % of the machine meanwhile.")
    _keep(rows, results, wanted.save)
    if not all(taken for servers in results.values() for taken in servers.values()):
        raise SystemExit("bench: something could not be measured; see above")


if __name__ == "__main__":
    main()
