"""How POSTs and deliveries grow with workers and instances, on PostgreSQL and Redis.

Both are started here, from the machine's binaries, and wait for the disk as they would in use.
They, the workers and the load generator share the machine's cores: what each took of them is in
the result, so that a reader can tell a design that is at its end from a machine that is.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import load
from benchmarks.load import Server
from benchmarks.ours import LIMITS, make_team, ours
from benchmarks.peers.server import WORDS
from benchmarks.process import PYTHON, ROOT, family, free_port, running
from benchmarks.row import Line, Row
from tests.support.postgres import Postgres
from tests.support.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.load import Result

#: Column → its title, instances, and workers of each; no workers is SQLite.
SETUPS = {
    "sqlite": ("SQLite, 1 worker", 1, 0),
    "one": ("PostgreSQL, 1 worker", 1, 1),
    "two": ("2 workers", 1, 2),
    "four": ("4 workers", 1, 4),
    "apart": ("2 instances × 1", 2, 1),
}
COLUMNS = {name: title for name, (title, _, _) in SETUPS.items()}
COMMAND = (PYTHON, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:app")
#: Seconds after which PostgreSQL's idle sessions have reported what they did (10, and a little).
SETTLED = 11
CONNECTIONS = 32
CPU_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


class Chat:
    """What is measured: servers of ours, and what they stand on."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers

    def counted(self) -> dict[str, float]:
        """Return what PostgreSQL and Redis have done so far."""
        return {}

    def spent(self) -> dict[str, float]:
        """Return the CPU time, in µs, that there was on all cores, and who took how much of it."""
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        ticks = dict(zip(CPU_FIELDS, map(int, fields), strict=True))
        idle = ticks["idle"] + ticks["iowait"]
        return {
            "whole": sum(ticks.values()) * TICK_US,
            "all": (sum(ticks.values()) - idle) * TICK_US,
        }


class Installation(Chat):
    """Instances of ours on one PostgreSQL and one Redis."""

    def __init__(self, folder: Path, postgres: Postgres, redis: RedisServer, workers: int) -> None:
        super().__init__([])
        self._folder, self._postgres, self._redis = folder, postgres, redis
        self._settings = {
            **LIMITS,
            "DATABASE_URL": postgres.create("bench"),
            "REDIS_URL": redis.url,
            "SECRET_KEY": "the bench's",
            "WEB_CONCURRENCY": str(workers),
            "BIND": "127.0.0.1",
            "CHAT_DATA_DIR": str(folder),
        }
        lock = postgres.execute("SELECT pg_read_file('postmaster.pid')")[0][0]
        self._postmaster = int(lock.split()[0])

    @contextmanager
    def started(self, instances: int) -> Iterator[Chat]:
        """Make the team, then run so many instances."""
        group, _ = make_team(self._settings)
        body, tokens = self._folder / "body.json", self._folder / "tokens"
        body.write_text(json.dumps({"content": f"%m {WORDS}", "groupId": group}))
        with ExitStack() as stack:
            for _ in range(instances):
                port = free_port()
                env = {**self._settings, "PORT": str(port)}
                log = self._folder / "log"
                server = running(COMMAND, port, log, alive="/readyz", env=env, cwd=ROOT)
                pids = stack.enter_context(server)
                stream = f"/api/sse?channel=group:{group}"
                self.servers.append(Server(port, pids, stream, "/api/messages", body, tokens))
            yield self

    def counted(self) -> dict[str, float]:
        """Return the commits and syncs of PostgreSQL, and the rings through Redis."""
        time.sleep(SETTLED)
        commits = "SELECT sum(xact_commit) FROM pg_stat_database"
        syncs = "SELECT coalesce((to_jsonb(w) ->> 'wal_sync')::bigint, 0) FROM pg_stat_wal AS w"
        stats = self._redis.call("INFO", "commandstats")
        return {
            "commits": float(self._postgres.execute(commits)[0][0]),
            "syncs": float(self._postgres.execute(syncs)[0][0]),
            "rings": float(stats.get("cmdstat_publish", {}).get("calls", 0)),
        }

    def spent(self) -> dict[str, float]:
        """Return the CPU times, PostgreSQL's too."""
        return {**super().spent(), "postgres": sum(map(_cpu_us, family(self._postmaster)))}


def _cpu_us(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # a session that has ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_US


@contextmanager
def chat(folder: Path, instances: int, workers: int) -> Iterator[Chat]:
    """Instances of ours, on SQLite where they have no workers."""
    if not workers:
        with ours(folder) as server:
            yield Chat([server])
        return
    with (
        Postgres(durable=True, max_connections="200", shared_buffers="128MB") as postgres,
        RedisServer() as redis,
        Installation(folder, postgres, redis, workers).started(instances) as installed,
    ):
        yield installed


def _post_to_all(servers: list[Server], seconds: float) -> Result:
    """Post to every server at once; rates are added up, times are those of the slowest."""
    measure = partial(load.run, "requests", connections=CONNECTIONS // len(servers))
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda one: measure(one, path=one.post, seconds=seconds), servers))
    sums = ("answered", "refused", "broken", "requests_per_second", "generator_cpu_ms")
    total: Result = {name: sum(one[name] for one in results) for name in sums}
    cpu = sum(one["cpu_us_per_request"] * one["answered"] for one in results)
    total["cpu_us_per_request"] = cpu / total["answered"]
    total["request_ms"] = max((one["request_ms"] for one in results), key=lambda ms: ms["p99"])
    return total


def _grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def _shares(result: Result, spent: dict[str, float]) -> Result:
    """Add what share of all cores each took."""
    generator = result["generator_cpu_ms"] * 1000
    servers = result["cpu_us_per_request"] * result["answered"]
    ours = servers + generator + spent.get("postgres", 0)
    took = {"ours": ours, "generator": generator, "others": max(0.0, spent["all"] - ours)}
    return {**result, **{f"{name}_percent": us / spent["whole"] * 100 for name, us in took.items()}}


def _posts(folder: Path, quick: bool, *, instances: int, workers: int) -> Result:
    with chat(folder, instances, workers) as measured:
        _post_to_all(measured.servers, 1)  # statements are prepared, pools are filled
        counted, spent = measured.counted(), measured.spent()
        result = _post_to_all(measured.servers, 3 if quick else 10)
        spent = _grown(spent, measured.spent())
        counted = _grown(counted, measured.counted())
    if workers:
        counted["postgres_us"] = spent["postgres"]
    each = {name: count / result["answered"] for name, count in counted.items()}
    return _shares({**result, **each}, spent)


def _deliveries(folder: Path, quick: bool, *, instances: int, workers: int) -> Result:
    options = {"streams": 1000, "rate": 20, "seconds": 4 if quick else 15, "connections": 8}
    with chat(folder, instances, workers) as measured:
        whole = _whole(measured.servers)
        result = load.run("fanout", whole, **options)
        burst = load.run("fanout", whole, streams=1000, burst=200, connections=16)
    kinds = ("lost", "doubled", "reordered", "resets", "dropped", "refused", "broken")
    faults = sum(one[kind] for one in (result, burst) for kind in kinds)
    if workers:
        del result["others_percent"]  # PostgreSQL and Redis are no strangers
    return {**result, "burst_per_second": burst["deliveries_per_second"], "faults": faults}


def _whole(servers: list[Server]) -> Server:
    """Return all instances as one server, whose streams and posts are spread over them."""
    first, *others = servers
    pids = tuple(pid for one in servers for pid in one.pids)
    return replace(first, pids=pids, more_ports=tuple(one.port for one in others))


def _contestants(measure: Callable[..., Result]) -> dict[str, Callable[[Path, bool], Result]]:
    return {
        name: partial(measure, instances=instances, workers=workers)
        for name, (_, instances, workers) in SETUPS.items()
    }


ROWS = (
    Row(
        "scale-posts",
        _contestants(_posts),
        (
            Line("durable POSTs a second", "requests_per_second", 0),
            Line("POST p50, ms", "request_ms.p50"),
            Line("POST p99, ms", "request_ms.p99"),
            Line("POST: refused", "refused", 0),
            Line("servers' CPU a POST, µs", "cpu_us_per_request", 0),
            Line("PostgreSQL's CPU a POST, µs", "postgres_us", 0),
            Line("PostgreSQL: commits a POST, reading included", "commits", 2),
            Line("PostgreSQL: WAL syncs a POST", "syncs", 2),
            Line("Redis: rings a POST", "rings", 2),
            Line("of the machine's cores: taken by all of these, %", "ours_percent", 0),
            Line("of the machine's cores: by the load generator, %", "generator_percent", 0),
        ),
        columns=COLUMNS,
    ),
    Row(
        "scale-deliveries",
        _contestants(_deliveries),
        (
            Line("200 messages at once to 1,000 streams: deliveries/s", "burst_per_second", 0),
            Line("1,000 × 20 msg/s: servers' CPU a delivery, µs", "cpu_us_per_delivery"),
            Line("1,000 × 20 msg/s: POST to receipt p50, ms", "latency_ms.p50"),
            Line("1,000 × 20 msg/s: POST to receipt p99, ms", "latency_ms.p99"),
            Line("faults", "faults", 0),
        ),
        columns=COLUMNS,
    ),
)
