"""Messages of emoji alone, which pages show larger."""

from __future__ import annotations

import re

#: More than this many is a wall, shown at the size of text.
MOST = 12

_BASE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_ONE = (
    rf"(?:[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}|"
    rf"{_BASE}[\ufe0f\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]{{0,8}}"
    rf"(?:\u200d{_BASE}[\ufe0f\U0001f3fb-\U0001f3ff]?){{0,4}})"
)
_ONLY = re.compile(rf"{_ONE}(?: ?{_ONE}){{0,{MOST - 1}}}")


def is_emoji_only(source: str) -> bool:
    """Say whether ``source`` is one to a dozen emoji, perhaps with a space between them."""
    return _ONLY.fullmatch(source) is not None
