"""Does the load generator notice what it is there to notice? A server that errs on purpose says."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load
from benchmarks.process import BUILD, free_port, running

COUNTED = ("lost", "doubled", "reordered")
#: The send loop's fault → what the generator must have counted, and nothing else.
FAULTS = {"none": "", "lose": "lost", "double": "doubled", "swap": "reordered"}


def generator() -> None:
    """Raise AssertionError where a fault goes unnoticed, or one is seen that is none."""
    for fault, expected in FAULTS.items():
        counted = _counted(fault)
        print(f"send_loop {fault}: {counted}")
        assert [name for name in COUNTED if counted[name]] == ([expected] if expected else [])


def _counted(fault: str) -> dict[str, int]:
    with TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        body = folder / "body"
        body.write_text("%m")
        command = [BUILD / "send_loop", str(port), fault]
        with running(command, port, folder / "log") as pids:
            server = load.Server(port, pids, "/stream", "/publish", body)
            # 45 posts: one that the fault holds back is the fortieth, and is followed by others.
            result = load.run("fanout", server, streams=20, rate=100, seconds=0.451, drain=1)
    return {name: result[name] for name in COUNTED}
