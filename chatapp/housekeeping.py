"""What is tidied up beside the requests: the log's old events."""

from __future__ import annotations

import logging
import random
from datetime import timedelta

import gevent
from flask import Flask

from chatapp.domain import retention
from chatapp.logs import log_event
from chatapp.realtime.background import Background

#: Seconds between two rounds, drawn evenly: so that processes started together take turns.
PERIOD = (3000, 4200)

logger = logging.getLogger(__name__)


class Housekeeping(Background):
    """Prunes the log about once an hour."""

    def __init__(self, app: Flask, log_days: int) -> None:
        self._app = app
        self._keep = timedelta(days=log_days)

    def run(self) -> None:
        """Tidy up, round after round."""
        while True:
            gevent.sleep(random.uniform(*PERIOD))  # noqa: S311
            self.tidy()

    def tidy(self) -> None:
        """Do one round."""
        with self._app.app_context():
            dropped = retention.prune(self._keep)
        if dropped:
            log_event(logger, "log_pruned", events=dropped)
