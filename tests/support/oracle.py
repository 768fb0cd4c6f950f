"""The one judge of the fault tests.

After things have settled, what each client shows equals what the database entitles it to:
complete, in order, nothing twice; everything acknowledged is there, once. And the worker holds no
more than it held before.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support import raw_http as http
from tests.support.listener import Listener
from tests.support.metrics import metric
from tests.support.probe import Held, held
from tests.support.sender import Sender
from tests.support.wait import until


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge has found; all but ``acknowledged`` should be 0."""

    acknowledged: int
    #: Acknowledged and not in the database, or in the database and not shown.
    lost: int = 0
    #: In the database twice for one send, or brought twice to one client.
    doubled: int = 0
    out_of_order: int = 0
    #: Frames that no client can read.
    torn: int = 0
    #: Shown, though it is not, or no longer, in the database.
    invented: int = 0
    #: Told to load afresh, where the log still had what they missed: nothing was lost, but without
    #: counting these a server that replays nothing would look well.
    reloaded: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return self == Verdict(self.acknowledged)


def settle(fence: Sender, listeners: Sequence[Listener]) -> None:
    """Send one more, and wait until everybody shows it: what is missing by then is lost."""
    for listener in listeners:
        listener.resume()
    last = fence.send()
    until(lambda: all(last in listener.shown for listener in listeners), "the last message")


#: A message: id, content, conversation, author, client id; in the order of their positions.
Row = tuple[str, str, str, str, str | None]

MESSAGES = (
    "SELECT id, content, conversation_id, author_id, client_id FROM messages"
    " WHERE deleted_at IS NULL ORDER BY position"
)


def judge(database: Path, senders: Sequence[Sender], listeners: Sequence[Listener]) -> Verdict:
    """Compare what the clients hold with a SQLite database."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows: list[Row] = connection.execute(MESSAGES).fetchall()
    return judge_rows(rows, senders, listeners)


def judge_rows(
    rows: Sequence[Row], senders: Sequence[Sender], listeners: Sequence[Listener]
) -> Verdict:
    """Compare what the clients hold with what a database does."""
    kept = {row[0] for row in rows}
    acknowledged = [id_ for sender in senders for id_ in sender.acknowledged.values()]
    sends = Counter((row[3], row[4]) for row in rows if row[4] is not None)
    faults = Counter(fault for listener in listeners for fault in listener.faults)
    lost = sum(id_ not in kept for id_ in acknowledged)
    out_of_order, invented = faults["out of order"], 0
    for listener in listeners:
        due = {row[0]: row[1] for row in rows if row[2] in listener.conversations}
        lost += len(due.keys() - listener.shown.keys())
        invented += sum(due.get(id_) != text for id_, text in listener.shown.items())
        both = due.keys() & listener.shown.keys()
        out_of_order += [i for i in due if i in both] != [i for i in listener.shown if i in both]
    return Verdict(
        acknowledged=len(acknowledged),
        lost=lost,
        doubled=faults["doubled"] + sum(count - 1 for count in sends.values()),
        out_of_order=out_of_order,
        torn=faults["torn"],
        invented=invented,
        reloaded=sum(listener.reloads for listener in listeners if not listener.may_reload),
    )


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a worker holds for its clients."""

    streams: int
    subscriptions: int
    sockets: int
    threads: int
    #: What can be counted inside alone, where the server lets itself be looked into.
    held: Held | None


def footprint(port: int, worker: int, admin_token: str) -> Footprint:
    """Look at a worker, by its own word and by the kernel's."""
    stats = http.call(port, "GET", "/api/sse/stats", admin_token).json
    return Footprint(
        streams=int(metric(port, "chatapp_streams")),
        subscriptions=sum(sum(counts.values()) for counts in stats.values()),
        sockets=len(sockets_of(worker)),
        threads=len(list(Path(f"/proc/{worker}/task").iterdir())),
        held=held(port),
    )


def sockets_of(process: int) -> list[str]:
    """Return the sockets that a process has open."""
    return [target for target in open_files(process) if target.startswith("socket:")]


def open_files(process: int) -> list[str]:
    """Return what a process has open: paths, and names of what has none."""
    found = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.append(str(descriptor.readlink()))
    return found
