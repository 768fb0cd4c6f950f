"""What comes in from people, made fit to be kept: NFC, no controls, nothing invisible alone."""

from __future__ import annotations

import re
import unicodedata

#: Controls but tab and newline; overrides of direction, which disguise text (Trojan Source,
#: CVE-2021-42574); the BOM, annotation marks and noncharacters, which only break comparisons.
_USELESS = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ufeff\ufff9-\ufffb\ufffe\uffff]")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
#: What cannot be seen. Joiners (U+200C, U+200D) and U+FE0F stay: scripts and emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)
_BLANK = re.compile(rf"(?:\s|[\u200c\u200d\ufe0f]|{_INVISIBLE.pattern})*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _stacked_marks(most: int) -> re.Pattern[str]:
    """Match more than ``most`` combining marks in a row."""
    marks = "".join(chr(c) for c in range(0x300, 0x1E950) if unicodedata.combining(chr(c)))
    return re.compile(f"([{marks}]{{{most}}})[{marks}]+")


#: No language stacks more, and NFC sorts a run in quadratic time: 8,000 marks took 68 ms.
_STACKED = _stacked_marks(8)


def clean_text(value: str) -> str:
    """Return ``value`` as it is kept: NFC, lines ended by newline, no useless controls.

    Raises:
        ValueError: it is blank, or holds NUL or half of a surrogate pair; the text says which.
    """
    if value.isascii() and value.isprintable():
        text = value
    else:
        _refuse_broken(value)
        text = _USELESS.sub("", _LINE_END.sub("\n", value))
        text = unicodedata.normalize("NFC", _STACKED.sub(r"\1", text))
    if _BLANK.fullmatch(text):
        raise ValueError("It is empty.")
    return text


def clean_line(value: str, least: int = 1, most: int = 80) -> str:
    """Return ``value`` as a name or a title: one trimmed line of ``least`` to ``most`` characters.

    Raises:
        ValueError: it is too short, too long or broken; the text says which.
    """
    # Much longer than allowed is not worth cleaning.
    if len(value) > 20 * most:
        raise ValueError(f"It is longer than {most} characters.")
    _refuse_broken(value)
    line = unicodedata.normalize("NFC", _STACKED.sub(r"\1", " ".join(value.split())))
    line = " ".join(_INVISIBLE.sub("", line).split())
    if _BLANK.fullmatch(line):
        line = ""
    if len(line) > most:
        raise ValueError(f"It is longer than {most} characters.")
    if len(line) < least:
        raise ValueError(f"It is shorter than {least} characters." if line else "It is empty.")
    return line


def _refuse_broken(value: str) -> None:
    if "\0" in value:
        raise ValueError("It contains a NUL character.")
    if _SURROGATE.search(value):
        raise ValueError("It contains half of a surrogate pair.")
