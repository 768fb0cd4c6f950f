"""A greenlet that runs for as long as its process serves."""

from __future__ import annotations

import gevent


class Background:
    """Something that runs beside the requests; a subclass says what in :meth:`run`."""

    _greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Begin, if not begun already."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self.run)

    def stop(self) -> None:
        """End it."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def run(self) -> None:
        """Do the work, until killed."""
        raise NotImplementedError
