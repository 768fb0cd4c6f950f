"""Who is acting: what every verb takes first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in person or bot behind a call.

    A plain value, so that it outlives the database session that it was read in.
    ``credential_id`` is the id of the session or token that was shown: revoking that row
    ends whatever was opened with it.
    """

    user_id: str
    name: str
    display_name: str
    is_admin: bool
    credential_id: str
