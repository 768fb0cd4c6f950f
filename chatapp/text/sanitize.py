"""The last word on what reaches a page: an allow list, whatever the parser made.

nh3 parses as a browser does (html5ever) and writes anew only what is listed here.
"""

from __future__ import annotations

import nh3

from chatapp.text.code import CLASSES

TAGS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "span"),
    *("strong", "ul"),
}
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}

_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    allowed_classes={"span": set(CLASSES.values()), "p": {"emoji-only"}},
    # A wide block of code scrolls, and must be reachable by keyboard (axe's rule
    # scrollable-region-focusable).
    set_tag_attribute_values={"a": {"target": "_blank"}, "pre": {"tabindex": "0"}},
    generic_attribute_prefixes=set(),
    link_rel="nofollow noopener noreferrer",
    url_schemes=SCHEMES,
    url_relative="deny",
)


def sanitize(html: str) -> str:
    """Return ``html`` with nothing but what a message may contain."""
    return _cleaner.clean(html)
