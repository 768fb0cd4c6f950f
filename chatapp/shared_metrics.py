"""The numbers of all workers of a server in one answer, whichever of them is asked.

Each worker counts into files of a folder that the arbiter makes (prometheus_client's
"multiprocess mode"); what a worker counted stays when it has gone, but for its open streams.
The arbiter imports this module: nothing else of chatapp may be imported here.
"""

import os
import shutil
from tempfile import mkdtemp

from prometheus_client import CollectorRegistry, multiprocess, values

#: What prometheus_client looks for.
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share() -> None:
    """Let the workers that this process forks count together."""
    os.environ[_FOLDER] = mkdtemp(prefix="chatapp-metrics-")
    # It is chosen where the library is imported, which may have been before.
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def are_shared() -> bool:
    """Whether this is a process of a server whose workers count together."""
    return _FOLDER in os.environ


def of_all() -> CollectorRegistry:
    """Return what all workers have counted."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def forget_streams(pid: int) -> None:
    """Forget the streams of a worker that has gone; for the arbiter."""
    if are_shared():
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def remove() -> None:
    """Remove the folder; for the arbiter, when it leaves."""
    if are_shared():
        shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)
