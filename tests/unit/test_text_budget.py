"""Hostile text makes little work: what it makes is counted, as no clock is the same twice."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from functools import partial
from types import FrameType

import pytest
from pygments.lexer import Lexer

from chatapp.text import code, parser, render
from chatapp.text.render import GROWTH_ALLOWANCE, MAX_GROWTH
from tests.faults.crowds import HOSTILE

#: Calls of Python functions that rendering one message may take; what is in the budget takes
#: 70,000 at the most.
MOST_CALLS = 100_000
#: Pieces that its code may be cut into, where each takes the lexer a millisecond.
MOST_PIECES = 10

#: Empty quotes within each other: 12 characters become 269, in few steps.
GROWING = ">>>>>>>>>>\n\n" * 100
CODE = f"```json\n{'[1, 2],' * 500}\n```"


def calls_of(source: str) -> int:
    """Render ``source``; return how many functions were called, whoever's they are."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        render(source)
    finally:
        sys.setprofile(None)
    return calls


def pieces_of(source: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Render ``source``, each piece of whose code takes a millisecond; return how many were cut."""
    pieces = 0

    class Counting:
        def __init__(self, lexer: Lexer) -> None:
            self._lexer = lexer

        def get_tokens(self, text: str) -> Iterator[object]:
            nonlocal pieces
            for piece in self._lexer.get_tokens(text):
                pieces += 1
                yield piece

    lexer, milliseconds = code._lexer, itertools.count()
    monkeypatch.setattr(code, "_lexer", lambda name: Counting(lexer(name)))
    monkeypatch.setattr(code, "thread_time", lambda: next(milliseconds) / 1000)
    render(source)
    return pieces


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_text_makes_little_work(source: str) -> None:
    assert calls_of(source[:8000]) < MOST_CALLS


def test_the_budget_of_steps_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "MAX_STEPS", 10**9)
    assert max(calls_of(source[:8000]) for source in HOSTILE) > 4 * MOST_CALLS


def test_code_that_takes_its_lexer_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < pieces_of(CODE, monkeypatch) < MOST_PIECES


def test_the_allowance_for_code_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = partial(code.Allowance, seconds=float("inf"))
    monkeypatch.setattr(parser, "Allowance", endless)
    assert pieces_of(CODE, monkeypatch) > 100 * MOST_PIECES


def is_bounded(source: str) -> bool:
    """Whether the HTML is no longer than it may be."""
    return len(render(source)) <= MAX_GROWTH * len(source) + GROWTH_ALLOWANCE


def test_text_whose_html_would_be_too_long_is_not_sent_so() -> None:
    assert is_bounded(GROWING)


def test_the_bound_of_the_html_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[render.__module__], "MAX_GROWTH", 10**9)
    assert not is_bounded(GROWING)
