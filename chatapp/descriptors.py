"""How many connections this process may hold: each is a file that is open."""

import resource
from contextlib import suppress

#: Descriptors that are no connection: the database's, the listener's, the event loop's own.
KEPT = 256
#: More are never asked for.
MOST = 65_536
#: What a kernel grants that has less to give than the hard limit says, as macOS does (OPEN_MAX).
MODEST = 10_240
#: Of the connections, at least so many are left for calls and pages where streams take the rest:
#: one in ten.
SHARE = 10


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one; return the connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    for wanted in (most, min(most, MODEST), soft):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    return connections()


def connections() -> int:
    """Return how many connections the limit of open files allows now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - KEPT, soft // 2) if soft != resource.RLIM_INFINITY else MOST


def streams() -> int:
    """Return how many of the connections may be streams.

    Where they took all, gunicorn would stop accepting, and nobody would be told why.
    """
    held = connections()
    return held - held // SHARE
