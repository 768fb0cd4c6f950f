"""Links: which may be followed, and bare addresses in running text.

Written here because linkify-it's search is quadratic (40 kB of `://` took 15 s): this one looks
only where a `:` follows a known scheme, and reads on from there once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

_SCHEMES = ("https", "http", "mailto")
_ALLOWED = re.compile(r"https?://[^/?#\\\s]|mailto:[^?\s]", re.IGNORECASE)
#: Characters of an address: no blank, quote or bracket, no backslash, no CJK punctuation.
_CHARACTER = r"[^\s\x00-\x20\x7f<>\"`\[\]\\^{|}\u3000-\u303f\uff00-\uff0f\uff1a-\uff1f]"
_REST = {
    "https": re.compile(rf"://\w{_CHARACTER}*"),
    "http": re.compile(rf"://\w{_CHARACTER}*"),
    "mailto": re.compile(r":[\w.+-]{1,64}@\w[\w.-]*(?:\?[\w=&%.+-]*)?"),
}
_NOT_AT_THE_END = ".,;:!?'*_~"


def is_allowed(url: str) -> bool:
    """Say whether a link may lead to ``url``: a web address with a host, or a mailbox."""
    return url.isprintable() and _ALLOWED.match(url) is not None


def address(state: StateInline, silent: bool) -> bool:
    """Make a link of the bare address whose scheme ends here (a rule for the inline parser)."""
    if state.linkLevel or state.src[state.pos] != ":":
        return False
    scheme = _scheme_before(state.src, state.pos)
    match = _REST[scheme].match(state.src, state.pos) if scheme else None
    if match is None:
        return False
    rest = _without_tail(match[0])
    url = state.src[state.pos - len(scheme) : state.pos] + rest
    if not is_allowed(url) or not (silent or _push_link(state, scheme, url)):
        return False
    state.pos += len(rest)
    return True


def _scheme_before(source: str, colon: int) -> str:
    start = source[max(0, colon - 7) : colon].lower()
    for scheme in _SCHEMES:
        if start.endswith(scheme) and not start[: -len(scheme)][-1:].isalnum():
            return scheme
    return ""


def _push_link(state: StateInline, scheme: str, url: str) -> bool:
    if not state.pending.lower().endswith(scheme):
        return False
    state.pending = state.pending[: -len(scheme)]
    state.push("link_open", "a", 1).attrs = {"href": url}
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1)
    return True


def _without_tail(rest: str) -> str:
    """Leave out the sentence's own punctuation, and brackets that were opened outside."""
    surplus = rest.count(")") - rest.count("(")
    while True:
        rest = rest.rstrip(_NOT_AT_THE_END)
        if surplus <= 0 or not rest.endswith(")"):
            return rest
        rest, surplus = rest[:-1], surplus - 1
