"""The parser: CommonMark's inline marks, lists, quotes and fenced code, and a budget of steps.

The parser costs about 10 µs a step, whatever the step is, so counting them bounds the time
without a clock (docs/TEXT.md has the measurements).
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from chatapp.text.code import Allowance, highlight
from chatapp.text.links import address, is_allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

#: Lists and quotes within each other (a list counts twice), and marks within each other.
MAX_NESTING = 12
#: 8,000 characters of prose take 200 to 600, with a mark in every line 1,100.
MAX_STEPS = 1500

#: `reference` lets 3 characters stand for 4,000; indented code and underlined headings come by
#: accident in a chat; entities would hide what was typed; tables turn 1 kB into 317 kB.
_RULES_LEFT_OUT = ["code", "entity", "html_block", "html_inline", "image", "lheading", "reference"]

_MARKS = re.compile(r"\*+|_+|~+")

Env = MutableMapping[str, Any]


class TooComplexError(Exception):
    """The text needs more steps than it may take."""


class _Markdown(MarkdownIt):
    """Links go to the web or to a mailbox, and say where as they were typed."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 (the library's name)
        return is_allowed(url)

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link


def steps() -> Env:
    """Return a fresh budget, as the environment of one parse."""
    return {"steps": MAX_STEPS}


def _spend(env: Env, cost: int = 1) -> None:
    env["steps"] -= cost
    if env["steps"] < 0:
        raise TooComplexError


def _count_block(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    _spend(state.env)
    return False


def _count_inline(state: StateInline, _silent: bool) -> bool:
    # A run of marks is one token of the source, but as many delimiters to be paired.
    run = _MARKS.match(state.src, state.pos)
    _spend(state.env, len(run[0]) if run else 1)
    return False


def _fence(
    _renderer: object, tokens: Sequence[Token], index: int, _options: object, env: Env
) -> str:
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    if "allowance" not in env:
        env["allowance"] = Allowance(pieces=env["steps"])
    html = highlight(token.content, language, env["allowance"])
    return f"<pre><code>{html}</code></pre>\n"


def _build() -> MarkdownIt:
    options = {"html": False, "breaks": True, "maxNesting": MAX_NESTING}
    parser = _Markdown("commonmark", options)
    parser.enable("strikethrough").disable(_RULES_LEFT_OUT)
    # As an alternative of the others it also counts the lines that they look ahead at.
    terminates = ["paragraph", "blockquote", "list"]
    parser.block.ruler.before("fence", "count", _count_block, {"alt": terminates})
    parser.inline.ruler.before("text", "count", _count_inline)
    parser.inline.ruler.after("text", "address", address)
    parser.add_render_rule("fence", _fence)
    # A heading of one message must not enter the outline of a page full of them.
    parser.add_render_rule("heading_open", lambda *_: "<p><strong>")
    parser.add_render_rule("heading_close", lambda *_: "</strong></p>\n")
    return parser


markdown = _build()
