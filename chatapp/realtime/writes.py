"""Which entries leave together: neighbours on one channel, up to what a socket takes at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from chatapp.realtime.entry import Entry

#: Bytes of a write, but for the end of its last event: what the kernel buffers for a socket
#: (chatapp.realtime.wire.SEND_BUFFER). What it does not take waits beside the subscriber's queue,
#: which takes what it can of the writes that follow.
MOST = 64 * 1024


def of(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in their order, cut into writes.

    What narrows or changes subscriptions stands alone.
    """
    for _, run in groupby(entries, key=_run_key):
        yield from _cut(run)


def _run_key(entry: Entry) -> object:
    alone = entry.effect is not None or entry.recipient is not None
    return entry.position if alone else entry.channel


def _cut(run: Iterable[Entry]) -> Iterator[list[Entry]]:
    write: list[Entry] = []
    size = 0
    for entry in run:
        write.append(entry)
        size += len(entry.frame or b"")
        if size >= MOST:
            yield write
            write, size = [], 0
    if write:
        yield write
