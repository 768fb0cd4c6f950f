"""Colours for fenced code whose language is named: Pygments' lexers, a dozen classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import groupby
from time import thread_time
from typing import TYPE_CHECKING

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, Token, _TokenType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pygments.lexer import Lexer

#: Characters of one block that are coloured; a longer one is shown plain.
MAX_CODE = 4000
#: Seconds of processor time for the code of one message. Counting does not bound a lexer: its
#: patterns are quadratic on hostile code (4,000 empty lines of Java took 0.6 s).
MAX_SECONDS = 0.008

#: The languages that are coloured: those in which no single piece stayed long on hostile input.
#: Never a guess, and never a name handed on: of the 500 others some are exponential.
LANGUAGES = {
    name: lexer
    for lexer, names in {
        "bash": "bash sh shell zsh",
        "c": "c h",
        "cpp": "cpp c++ cc hpp",
        "css": "css",
        "diff": "diff patch",
        "docker": "dockerfile docker",
        "go": "go golang",
        "html": "html",
        "java": "java",
        "javascript": "javascript js mjs",
        "json": "json",
        "lua": "lua",
        "nginx": "nginx",
        "perl": "perl pl",
        "php": "php",
        "python": "python py python3",
        "ruby": "ruby rb",
        "rust": "rust rs",
        "scss": "scss",
        "sql": "sql",
        "swift": "swift",
        "toml": "toml",
        "typescript": "typescript ts",
        "xml": "xml svg",
        "yaml": "yaml yml",
    }.items()
    for name in names.split()
}

#: Pygments' own short classes, for the kinds that are coloured; all else stays unmarked.
CLASSES: dict[_TokenType, str] = {
    Comment: "c",
    Generic.Deleted: "gd",
    Generic.Heading: "gh",
    Generic.Inserted: "gi",
    Generic.Subheading: "gh",
    Keyword: "k",
    Literal.Number: "m",
    Literal.String: "s",
    Name.Attribute: "na",
    Name.Builtin: "nb",
    Name.Class: "nc",
    Name.Decorator: "nd",
    Name.Function: "nf",
    Name.Tag: "nt",
    Operator.Word: "k",
}


@dataclass(slots=True)
class Allowance:
    """What colouring the code of one message may still cost."""

    pieces: int
    seconds: float = MAX_SECONDS


def highlight(code: str, language: str, allowance: Allowance) -> str:
    """Return ``code`` as HTML, its pieces in classed spans, and charge what that cost.

    It stays plain where its language is unknown, or where it costs more than is left.
    """
    lexer_name = LANGUAGES.get(language.lower())
    if lexer_name is None or len(code) > MAX_CODE:
        return escape(code)
    pieces = list(_pieces(_lexer(lexer_name), code, allowance))
    is_whole = sum(len(text) for _, text in pieces) >= len(code)
    return _html(pieces) if is_whole else escape(code)


def _pieces(lexer: Lexer, code: str, allowance: Allowance) -> Iterator[tuple[_TokenType, str]]:
    """Yield the lexer's pieces for as long as the allowance lasts."""
    before = thread_time()
    for piece in lexer.get_tokens(code):
        now = thread_time()
        allowance.pieces -= 1
        allowance.seconds -= now - before
        before = now
        if allowance.pieces < 0 or allowance.seconds < 0:
            return
        yield piece


def _html(pieces: list[tuple[_TokenType, str]]) -> str:
    html = []
    for name, run in groupby(pieces, key=lambda piece: _class(piece[0])):
        text = escape("".join(text for _, text in run), quote=False)
        html.append(f'<span class="{name}">{text}</span>' if name else text)
    return "".join(html)


@cache
def _class(kind: _TokenType) -> str:
    """Return the class of the nearest kind that has one."""
    while kind is not Token and kind not in CLASSES and kind.parent is not None:
        kind = kind.parent
    return CLASSES.get(kind, "")


@cache
def _lexer(name: str) -> Lexer:
    # `startinline`: PHP in a chat comes without its opening tag.
    return get_lexer_by_name(name, stripnl=False, ensurenl=False, startinline=True)
