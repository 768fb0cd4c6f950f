"""Looking into a real server, for what it holds and nobody can count from outside.

As ``sabotage`` does: the application knows nothing of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.support import raw_http as http
from tests.support.sabotage import sabotage

PATH = "/test/held"

_CODE = f"""
    import gc
    import greenlet
    from flask.ctx import AppContext, RequestContext
    from chatapp.extensions import db

    def those(kind):
        # Not isinstance: it asks proxies, which fail outside of what they stand for.
        return [one for one in gc.get_objects() if issubclass(type(one), kind)]

    @bp.get({PATH!r})
    def held():
        gc.collect()  # what nobody holds any more, and is only waiting for that
        return {{
            "greenlets": sum(not one.dead for one in those(greenlet.greenlet)),
            "contexts": len(those((AppContext, RequestContext))),
            "connections": db.engine.pool.checkedout(),
        }}
"""


class Held(NamedTuple):
    """What a worker holds, the look's own greenlet and contexts included."""

    #: That have not ended.
    greenlets: int
    #: Flask's, of requests and of the application.
    contexts: int
    #: Of the database's pool, that are not in it.
    connections: int


def probe(folder: Path) -> dict[str, str]:
    """Return the environment of a server that can be looked into."""
    return sabotage(folder, "chatapp.metrics", _CODE)


def held(port: int) -> Held | None:
    """Look into a worker; None where the server was started without the probe."""
    answer = http.call(port, "GET", PATH)
    return Held(**answer.json) if answer.status == 200 else None
