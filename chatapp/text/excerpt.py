"""The first words of a message, for a line in a list."""

from __future__ import annotations

import re

_MARKS = re.compile(
    r"^[ \t]*(?:(?:```|~~~)[^\n]*|#{1,6} |>+ ?|[-+*] |\d{1,9}[.)] )+"  # at the start of a line
    r"|\*\*|~~|`+|(?<![^\s(])_+(?=\w)|(?<=\w)_+(?![^\s.,;:!?)])|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)",
    re.MULTILINE,
)
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\((?:https?://|mailto:)[^\s()]{1,500}\)")


def excerpt(source: str, length: int = 120) -> str:
    """Return the first words of ``source`` as plain text, at most ``length`` characters.

    Marks are left out as far as that needs no parser: a list of conversations makes hundreds.
    """
    text = _MARKS.sub("", _LINK.sub(r"\1", source[: 4 * length + 600]))
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return f"{cut.rpartition(' ')[0] or cut}…" if " " in cut[length // 2 :] else f"{cut}…"
