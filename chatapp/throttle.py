"""How often somebody may try: sign-in failures, messages a minute, signals of typing.

Processes share what they count through Redis, where there is one. A failed sign-in asks it, since
guesses must be counted exactly. A post does not wait for it: each process counts in memory, and
tells the others of every post by way of the doorbell. Without Redis each counts alone, and typing
always.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from flask import Flask, current_app
from gevent.lock import BoundedSemaphore
from limits import RateLimitItemPerMinute

from chatapp.config import Settings
from chatapp.domain.accounts import normal_name
from chatapp.domain.errors import Invalid, TooMany
from chatapp.shared_counts import Counts

#: Failures in 15 minutes: for one account, and for one address, which may be a whole office's.
PER_ACCOUNT = RateLimitItemPerMinute(5, 15, namespace="sign-in-account")
PER_ADDRESS = RateLimitItemPerMinute(20, 15, namespace="sign-in-address")
#: Times a minute that somebody may be said to type; our own pages say it every three seconds.
TYPING = 60


class SignInThrottle:
    """Counts failed sign-ins.

    Tries for one account run one after another, and no more at once than are hashed at once:
    else a thousand sent together would all be checked before the first of them has failed.
    """

    def __init__(self, redis_url: str | None = None) -> None:
        self._failures = Counts(redis_url)
        self._gate = BoundedSemaphore(2)
        self._accounts = [BoundedSemaphore(1) for _ in range(64)]

    @contextmanager
    def attempt(self, name: str, address: str) -> Iterator[None]:
        """Let one try through, whose ``Invalid`` counts as a failure, or raise TooMany."""
        # Cut: what memory holds must not grow with what is typed.
        account = normal_name(name)[:41]
        with self._accounts[hash(account) % len(self._accounts)], self._gate:
            counts = [(PER_ACCOUNT, account), (PER_ADDRESS, network(address))]
            for limit, key in counts:
                self._check(limit, key)
            try:
                yield
            except Invalid:
                for limit, key in counts:
                    self._failures.hit(limit, key)
                raise

    def _check(self, limit: RateLimitItemPerMinute, key: str) -> None:
        if wait := self._failures.wait(limit, key):
            minutes = max(1, math.ceil(wait / 60))
            raise TooMany(
                f"Too many failed tries. Try again in {minutes} min.", max(1, math.ceil(wait))
            )


class PostThrottle:
    """A bucket a user that refills steadily; a check costs about a microsecond."""

    #: Tells the other processes that a user has posted.
    tell: Callable[[str], None] | None = None

    def __init__(self, per_minute: float) -> None:
        self._most = float(per_minute)
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, user_id: str) -> None:
        """Take one message from the user's bucket, or raise TooMany."""
        if not self._most:
            return
        left = self._left(user_id)
        if left < 1:
            wait = math.ceil((1 - left) * 60 / self._most)
            raise TooMany(f"That is very fast. Try again in {wait} s.", wait)
        self.note(user_id)
        if self.tell is not None:
            self.tell(user_id)

    def note(self, user_id: str) -> None:
        """Take one message from the user's bucket, which another process has let through."""
        self._buckets[user_id] = (max(0.0, self._left(user_id) - 1), time.monotonic())

    def _left(self, user_id: str) -> float:
        moment = time.monotonic()
        left, since = self._buckets.get(user_id, (self._most, moment))
        return min(self._most, left + (moment - since) * self._most / 60)


class Throttles(NamedTuple):
    """An app's counters."""

    sign_ins: SignInThrottle
    posts: PostThrottle
    typing: PostThrottle


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app counters of its own."""
    app.extensions["chatapp.throttle"] = Throttles(
        SignInThrottle(settings.redis_url),
        PostThrottle(settings.posts_per_minute),
        PostThrottle(TYPING),
    )


def throttles(app: Flask) -> Throttles:
    """Return the app's counters."""
    found: Throttles = app.extensions["chatapp.throttle"]
    return found


@contextmanager
def sign_in_attempt(name: str, address: str) -> Iterator[None]:
    """Surround one try to sign in; an ``Invalid`` raised within counts as a failure.

    Raises:
        TooMany: after 5 failures in 15 min for this account, whether it exists or not, or
            after 20 for this address (an IPv6 client is its /64).
    """
    with throttles(current_app).sign_ins.attempt(name, address):
        yield


def check_change(user_id: str) -> None:
    """Count that a user posts or changes what others are told of: CHAT_POSTS_PER_MINUTE.

    Raises:
        TooMany: the user has done so too often.
    """
    throttles(current_app).posts.check(user_id)


def check_typing(user_id: str) -> None:
    """Count that a user types, or raise TooMany past TYPING: each is brought to everybody."""
    throttles(current_app).typing.check(user_id)


def network(address: str) -> str:
    """Return whom to count an address for: a household or server has a whole IPv6 /64."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip.exploded[:19])
    return str(ip)
