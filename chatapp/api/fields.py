"""What a field of a body may hold: each kind takes a raw value, returns a good one."""

# A view reads as a declaration, content=Text(max=8000); and `take` is documented once, in Field.
# ruff: noqa: A002, D102

from __future__ import annotations

import re
from typing import Generic, TypeVar

from chatapp.domain.errors import Invalid
from chatapp.text import clean_line, clean_text

T = TypeVar("T")

#: The largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
MAX_INTEGER = 2**53 - 1
#: Ids are opaque, so any word is one; whether it leads anywhere is for the database to say.
_ID = re.compile(r"[!-~]{1,100}")


class Field(Generic[T]):
    """A kind of field."""

    __slots__ = ()

    def read(self, name: str, value: object) -> T:
        """Return what ``value``, the field ``name`` as it came, stands for.

        Raises:
            Invalid: it is none of this kind; the error names the field.
        """
        try:
            return self.take(value)
        except ValueError as error:
            raise Invalid(name, str(error)) from None

    def take(self, value: object) -> T:
        """Return what ``value`` stands for, or raise ValueError with a sentence."""
        raise NotImplementedError


class Text(Field[str]):
    """A text of one or more lines, at most ``max`` characters once cleaned."""

    __slots__ = ("max",)

    def __init__(self, max: int) -> None:
        self.max = max

    def take(self, value: object) -> str:
        text = _string(value)
        # A form's line ends and decomposed letters shrink when cleaned, hence the margin.
        if len(text) <= 2 * self.max:
            text = clean_text(text)
        if len(text) > self.max:
            raise ValueError(f"It is longer than {self.max:,} characters.")
        return text


class Line(Field[str]):
    """A name or a title: one trimmed line; ``min=0`` lets it be empty."""

    __slots__ = ("max", "min")

    def __init__(self, max: int, min: int = 1) -> None:
        self.max, self.min = max, min

    def take(self, value: object) -> str:
        return clean_line(_string(value), self.min, self.max)


class Id(Field[str]):
    """The id of something, or another short word that a client made up."""

    __slots__ = ()

    def take(self, value: object) -> str:
        text = _string(value)
        if not _ID.fullmatch(text):
            raise ValueError("It must be a word of at most 100 characters.")
        return text


class IdList(Field[list[str]]):
    """A list of ``min`` to ``max`` ids; one that comes twice counts once."""

    __slots__ = ("max", "min")

    def __init__(self, max: int = 100, min: int = 1) -> None:
        self.max, self.min = max, min

    def take(self, value: object) -> list[str]:
        if not isinstance(value, list) or not self.min <= len(value) <= self.max:
            raise ValueError(f"It must be a list of {self.min} to {self.max} ids.")
        return list(dict.fromkeys(_ANY_ID.take(item) for item in value))


class Boolean(Field[bool]):
    """True or false, and nothing that is merely like them."""

    __slots__ = ()

    def take(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError("It must be true or false.")  # noqa: TRY004 (becomes a 400)
        return value


class Integer(Field[int]):
    """A whole number from ``min`` to ``max``."""

    __slots__ = ("max", "min")

    def __init__(self, min: int = 0, max: int = MAX_INTEGER) -> None:
        self.min, self.max = min, max

    def take(self, value: object) -> int:
        # A bool is an int to isinstance().
        if type(value) is not int or not self.min <= value <= self.max:
            raise ValueError(f"It must be a whole number from {self.min} to {self.max}.")
        return value


class Optional(Field[T | None]):
    """A field that may be absent or null; ``default`` then stands for it."""

    __slots__ = ("default", "field")

    def __init__(self, field: Field[T], default: T | None = None) -> None:
        self.field, self.default = field, default

    def take(self, value: object) -> T | None:
        return self.default if value is None else self.field.take(value)


def shown(name: str) -> str:
    """Return a stranger's field name in a form that any answer or log can hold."""
    return ascii(name[:50])[1:-1]


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("It must be text.")  # noqa: TRY004 (becomes a 400)
    return value


_ANY_ID = Id()
