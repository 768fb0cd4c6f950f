"""What somebody typed, made fit for the domain."""

from __future__ import annotations

import hmac

from flask import current_app

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


def id_of_send(page: str, content: str) -> str | None:
    """Return what makes a form that is sent twice one message; ``page`` is the form's own id.

    It is of the text, too: whoever comes back to a page by the browser's button, and writes
    something else there, sends another message. With the key, as others can see it, and must not
    learn from it what a text was before it was edited.
    """
    if not page:
        return None
    key = str(current_app.secret_key).encode()
    return hmac.digest(key, f"{page}\n{content}".encode(), "sha256").hex()[:32]
