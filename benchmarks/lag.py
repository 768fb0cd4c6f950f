"""How late a server's event loop came to its timers while it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.load import Result, Server

_LAG = "chatapp_loop_lag_seconds"


def with_lag(measure: Callable[[Server, bool], Result], server: Server, quick: bool) -> Result:
    """Measure, and add ``loop_lag_ms``: no timer was later, to the next of the metric's buckets."""
    before = _counts(server.port)
    result = measure(server, quick)
    after = _counts(server.port)
    of_all = max(after.values()) - max(before.values())
    bound = min(bound for bound in after if after[bound] - before[bound] == of_all)
    return {**result, "loop_lag_ms": bound * 1000}


def _counts(port: int) -> dict[float, float]:
    """Return how many timers were as late as each bucket's bound, in seconds, or less."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{_LAG}_bucket"
    }
