"""A greenlet that runs for as long as its process serves."""

from __future__ import annotations

import logging

import gevent

logger = logging.getLogger(__name__)

#: Seconds to wait after a failure that nobody foresaw.
PAUSE = 1.0


def log_failure(logger: logging.Logger, what: str, error: Exception, *, again: bool) -> None:
    """Log what keeps failing: once, for a database that is away for an hour would fill the disk."""
    logger.log(
        logging.DEBUG if again else logging.ERROR,
        "%s: %s",
        what,
        str(error).partition("\n")[0],
        exc_info=error,
    )


class Background:
    """Something that runs beside the requests; a subclass says what in :meth:`run`."""

    _greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Begin, if not begun already."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._keep_running)

    def stop(self) -> None:
        """End it."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def run(self) -> None:
        """Do the work, until killed."""
        raise NotImplementedError

    def _keep_running(self) -> None:
        """Run, and again after a failure: without a heart, say, every stream would look dead."""
        while True:
            try:
                return self.run()
            except Exception:
                logger.exception("%s failed, and goes on", type(self).__name__)
                gevent.sleep(PAUSE)
