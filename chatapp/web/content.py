"""What somebody typed, made fit for the domain."""

from __future__ import annotations

from chatapp.domain.errors import Invalid
from chatapp.text import MAX_LENGTH, clean_text


def clean_content(entered: str) -> str:
    """Return the text of a message as it is kept.

    Raises:
        Invalid: it is empty, too long or broken.
    """
    if not entered.strip():
        raise Invalid("content", "Write something first.")
    try:
        content = clean_text(entered)
    except ValueError as error:
        raise Invalid("content", str(error)) from None
    if len(content) > MAX_LENGTH:
        raise Invalid(
            "content",
            f"This has {len(content):,} characters, and a message at most {MAX_LENGTH:,}. "
            "Shorten it, or send it in parts.",
        )
    return content
