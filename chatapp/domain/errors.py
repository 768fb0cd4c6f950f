"""How a verb says no. The API answers these as problem+json, the pages in words."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal that its cause can be told about; ``detail`` is a sentence for a person."""

    status = 400
    title = "That did not work"

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class Invalid(DomainError):
    """A value that cannot be taken; ``field`` says which, in the wire's spelling."""

    title = "Invalid input"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail, field)


class Forbidden(DomainError):
    """Somebody may see it but not do it."""

    status = 403
    title = "Not allowed"


class NotFound(DomainError):
    """It does not exist, or must look so: one answer for both, so nothing leaks."""

    status = 404
    title = "Not found"

    def __init__(self, detail: str = "There is nothing here, or nothing that you may see.") -> None:
        super().__init__(detail)


class Conflict(DomainError):
    """It contradicts what is there already."""

    status = 409
    title = "Conflict"


class Gone(DomainError):
    """It was good once: an expired, used or revoked link."""

    status = 410
    title = "No longer valid"


class TooMany(DomainError):
    """Too often; ``retry_after`` is in seconds."""

    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
