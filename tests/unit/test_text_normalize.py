"""What is kept of what people send."""

from __future__ import annotations

import unicodedata

import pytest

from chatapp.text import clean_line, clean_text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain", "plain"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("tab\tstays", "tab\tstays"),
        ("  space stays ", "  space stays "),
        ("e\u0301", "é"),
        ("a\x07\x1b[31mred\x9b0m\x7f", "a[31mred0m"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("\ufeffbom", "bom"),
        ("مرحبا \u2066LTR\u2069", "مرحبا \u2066LTR\u2069"),
        ("👩\u200d👩\u200d👧 ❤\ufe0f", "👩\u200d👩\u200d👧 ❤\ufe0f"),
        ("\u212b", "Å"),
    ],
)
def test_text_is_cleaned(value: str, kept: str) -> None:
    assert clean_text(value) == kept


@pytest.mark.parametrize(
    "value",
    ["a\0b", "\0", "\ud800", "a\udfffb", "\udc00\ud800"],
    ids=ascii,
)
def test_broken_text_is_refused(value: str) -> None:
    for clean in (clean_text, clean_line):
        with pytest.raises(ValueError, match=r"NUL|surrogate"):
            clean(value)


@pytest.mark.parametrize(
    "value",
    ["", " ", "\n\t", "\u00a0\u3000", "\u200b\u200d\u2060", "\ufeff", "\u3164", "\u2800", "\x07"],
    ids=ascii,
)
def test_blank_text_is_refused(value: str) -> None:
    for clean in (clean_text, clean_line):
        with pytest.raises(ValueError, match="empty"):
            clean(value)


def test_stacked_marks_are_thinned_out_before_they_cost_anything() -> None:
    for kept in (clean_text("z" + "\u0300\u0316" * 4000), clean_line("z" + "\u0300\u0316" * 700)):
        assert len(kept) == 9
        assert unicodedata.is_normalized("NFC", kept)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("  Ada \n Lovelace\t", "Ada Lovelace"),
        ("A\u202eda\u2066\u200b", "Ada"),
        ("e\u0301", "é"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\x1b[1mAda", "[1mAda"),
    ],
)
def test_lines_are_cleaned(value: str, kept: str) -> None:
    assert clean_line(value) == kept


def test_lines_have_a_length() -> None:
    assert clean_line("x" * 80) == "x" * 80
    assert clean_line(" ", least=0) == ""
    for value, words in (("x" * 81, "longer"), ("x" * 10**6, "longer"), ("x", "shorter")):
        with pytest.raises(ValueError, match=words):
            clean_line(value, least=2)
