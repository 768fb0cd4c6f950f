"""A stream's response body, as a WSGI server takes it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator


class Body:
    """The generator of a stream, and what to do when the server is through with it.

    That is told by ``close`` (PEP 3333), also where the generator never began: its ``finally``
    would not run then.
    """

    __slots__ = ("_frames", "_on_close")

    def __init__(self, frames: Generator[bytes, None, None], on_close: Callable[[], None]) -> None:
        self._frames = frames
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return self._frames

    def close(self) -> None:
        """End the generator and tell whoever asked to be told."""
        self._frames.close()
        self._on_close()
