"""Text without markup: the quick way for most messages, and the way out for hostile ones."""

from __future__ import annotations

import re
from html import escape

#: One line that starts with a letter and holds nothing that markdown or HTML gives a meaning there.
#: A colon means something in an address alone: what follows it here is none, as in "10:30", ": ".
_PLAIN = re.compile(
    r"""[^\W\d_](?:[\w ,.;?!'"’“”…–—()/=+%@#$|{}^-](?<!_)|:(?![\w/.+-])|(?<=\d):(?=\d))*(?<! )"""
)


def is_plain(source: str) -> bool:
    """Say whether ``source`` renders as itself, so that no parser needs to look at it."""
    return _PLAIN.fullmatch(source) is not None


def as_plain(source: str) -> str:
    """Show ``source`` exactly as it was typed."""
    return f"<p>{escape(source, quote=False).replace(chr(10), '<br>')}</p>\n"
