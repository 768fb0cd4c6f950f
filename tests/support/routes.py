"""Routes that a test process compiles once, for all the applications that it makes.

Werkzeug writes two functions for each rule and has Python compile them: 40 ms of the 50 that an
application takes to make, and each test makes one.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]

#: By all that goes into one: they reach for their rule's converters when they are called.
_builders: dict[tuple[object, ...], Builder] = {}


class SharedRule(Rule):
    """A rule whose functions are those of its likes in other applications."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        likes = (self.rule, *self._trace, repr(self.defaults), append_unknown)
        if likes not in _builders:
            _builders[likes] = super()._compile_builder(append_unknown)
        return _builders[likes]
