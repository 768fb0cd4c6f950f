"""What a form's reader entered, and what the domain said about it."""

from __future__ import annotations

import re
from types import TracebackType

from flask import request
from werkzeug.datastructures import MultiDict

from chatapp.domain.errors import DomainError, NotFound

_CAPITAL = re.compile(r"(?<!^)([A-Z])")


class Form:
    """The values of a form as entered (or as they stand now), and the errors at its fields.

    The rules live in the domain alone: a view calls its verb ``with form.checked()``, and
    the refusal comes out beside the field that it is about.
    """

    def __init__(self, *fields: str, source: MultiDict[str, str] | None = None, **now: str) -> None:
        self.fields = fields
        self.errors: dict[str, str] = {}
        self.status = 200
        self._now = now
        self._entered = request.form if source is None else source

    def __getitem__(self, name: str) -> str:
        return self._entered.get(name, self._now.get(name, ""))

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may be chosen several times."""
        return self._entered.getlist(name)

    @property
    def focus(self) -> str:
        """The first faulty field, which gets the focus."""
        return next((name for name in self.fields if name in self.errors), "")

    def checked(self) -> Checked:
        """Keep what the domain refuses inside the ``with`` as an error of this form."""
        return Checked(self)

    def fail(self, error: DomainError) -> None:
        """Put an error at its field, or above the form where it has none here."""
        name = _CAPITAL.sub(r"_\1", error.field or "").lower()
        self.errors[name if name in self.fields else ""] = error.detail
        self.status = error.status


class Checked:
    """Swallows what the domain refuses; what is not there stays an error of the whole page."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def __enter__(self) -> None:
        """Take nothing."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        """Put a refusal into the form."""
        if not isinstance(error, DomainError) or isinstance(error, NotFound):
            return False
        self._form.fail(error)
        return True
