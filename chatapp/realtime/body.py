"""A stream's response body, as a WSGI server takes it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator


class Body:
    """The generator of a stream, and what to do when the server is through with it.

    That is told by ``close`` (PEP 3333), also where the generator never began: its ``finally``
    would not run then.
    """

    __slots__ = ("_on_close", "_pieces")

    def __init__(self, pieces: Generator[bytes, None, None], on_close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """End the generator and tell whoever asked to be told."""
        self._pieces.close()
        self._on_close()
