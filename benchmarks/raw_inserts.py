"""What the disk gives: rows inserted by sqlite3 alone, each committed durably by itself."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from benchmarks.peers.server import WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.load import Result


def measure(folder: Path, seconds: float) -> Result:
    """Insert for so long; the rate stands beside that of POSTs."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, content TEXT)")
    count, begun = 0, time.monotonic()
    while time.monotonic() < begun + seconds:
        connection.execute("INSERT INTO message (content) VALUES (?)", (WORDS,))
        count += 1
    elapsed = time.monotonic() - begun
    connection.close()
    return {"answered": count, "requests_per_second": count / elapsed}
