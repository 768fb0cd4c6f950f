"""Whether the processes that hear each other sign with one key.

Else people are signed out whenever they come to another one. They say it over the doorbell, and
nothing is kept: a new key is no trouble once all have it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable

from chatapp.logs import log_event

logger = logging.getLogger("chatapp.delivery")


class OneKey:
    """What one process says of its key, and hears of others'."""

    #: Tells the other processes.
    send: Callable[[str, bytes], None] | None = None

    def __init__(self, secret_key: str) -> None:
        # Eight digits, of a hash that needs the key: enough to tell two apart, and nothing that a
        # session's cookie does not tell whoever guesses.
        self._mine = hmac.digest(secret_key.encode(), b"one key for all", "sha256").hex()[:8]
        self._complained = False

    def tell(self) -> None:
        """Say which key is ours to the processes that listen."""
        if self.send is not None:
            self.send(self._mine, b"")

    def heard(self, theirs: str, _: bytes = b"") -> None:
        """Complain once of another key, and answer, so that both processes' logs have it."""
        if theirs != self._mine and not self._complained:
            self._complained = True
            log_event(logger, "other_secret_key", logging.ERROR)
            self.tell()
