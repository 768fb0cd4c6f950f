"""TCP connections as Linux lists them in ``/proc/net/tcp``: of this network, IPv4."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import NamedTuple

#: The kernel's number for a connection that neither side has begun to close.
ESTABLISHED = 1


class Connection(NamedTuple):
    """One end of a connection, ours; an address is a host and a port."""

    here: tuple[str, int]
    there: tuple[str, int]
    state: int
    #: Bytes that the other end has not acknowledged, and those that nobody here has read.
    unsent: int
    unread: int
    #: How often what was not acknowledged has been sent again.
    tries: int


def connections(port: int) -> list[Connection]:
    """Return the ends that are at ``port``."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [each for each in map(_connection, rows) if each.here[1] == port]


def _connection(row: list[str]) -> Connection:
    unsent, unread = (int(size, 16) for size in row[4].split(":"))
    ends = _address(row[1]), _address(row[2])
    return Connection(*ends, int(row[3], 16), unsent, unread, int(row[6], 16))


def _address(text: str) -> tuple[str, int]:
    host, port = text.split(":")
    return socket.inet_ntoa(int(host, 16).to_bytes(4, sys.byteorder)), int(port, 16)
