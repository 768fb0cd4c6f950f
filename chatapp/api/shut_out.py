"""Whether somebody was shut out since the caller was let in: it may have been the caller.

A request may take long after that: its body may come slowly, and a stream stays open.
"""

from __future__ import annotations

from flask import g

from chatapp import identity
from chatapp.api.delivery import current_delivery


def note() -> None:
    """Note how many revocations there were; to be called before the caller's right is looked at."""
    g.revocations = current_delivery().hub.revocations


def check() -> None:
    """Look at the caller's right again if there was a revocation since it was looked at."""
    if "revocations" in g and current_delivery().hub.revocations != g.revocations:
        identity.check_again()
