"""Markdown to sanitised HTML, in bounded time: it runs on the event loop that serves everybody.

docs/TEXT.md says what the dialect is and why; `benchmarks/` holds the worst cases measured.
"""

from __future__ import annotations

from chatapp.text import emoji
from chatapp.text.parser import MAX_NESTING, TooComplexError, markdown, steps
from chatapp.text.plain import as_plain, is_plain
from chatapp.text.sanitize import sanitize

#: Characters (code points) in a message.
MAX_LENGTH = 8000
#: Raised whenever the same source may give other HTML, so that stored HTML can be told stale.
RENDERER_VERSION = 1
#: Output beyond this many times its source is not worth sending to every reader.
MAX_GROWTH = 20
#: What a single link or emoji may add to a short message.
GROWTH_ALLOWANCE = 400


def render(source: str) -> str:
    """Render ``source``, a message's markdown, as HTML that is safe to insert into any page.

    What is too long, nested too deeply or too costly is shown as it was typed, escaped.
    """
    if len(source) > MAX_LENGTH:
        return as_plain(source)
    if is_plain(source):
        return f"<p>{source}</p>\n"
    if emoji.is_emoji_only(source):
        return f'<p class="emoji-only">{source}</p>\n'
    html = _render_markdown(source)
    if html is None or len(html) > MAX_GROWTH * len(source) + GROWTH_ALLOWANCE:
        return as_plain(source)
    return html


def _render_markdown(source: str) -> str | None:
    """Return the HTML, or nothing where a limit was reached."""
    env = steps()
    try:
        tokens = markdown.parse(source, env)
    except TooComplexError:
        return None
    # At its limit the block parser drops the rest without a word, so a depth near it is refused.
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return None
    if any(child.level > MAX_NESTING for token in tokens for child in token.children or ()):
        return None
    return sanitize(markdown.renderer.render(tokens, markdown.options, env))
