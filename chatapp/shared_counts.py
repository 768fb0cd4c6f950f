"""Counts that all processes share through Redis, kept in this one's memory as well.

Redis may be slow, frozen or gone: it is asked with a short patience, and after a failure left
alone for a while. Then the count of this process alone decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from chatapp.realtime.doorbell import connect

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds for which Redis is left alone after it failed.
REST = 5.0


class Counts:
    """Hits in fixed windows."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared = FixedWindowRateLimiter(_storage(redis_url)) if redis_url else None
        self._rests_until = 0.0

    def hit(self, limit: RateLimitItem, key: str) -> None:
        """Count one."""
        self._own.hit(limit, key)
        self._ask(lambda shared: shared.hit(limit, key), default=True)

    def wait(self, limit: RateLimitItem, key: str) -> float:
        """Return the seconds until another hit is allowed; 0 if it is now."""
        return max(
            _wait(self._own, limit, key),
            self._ask(lambda shared: _wait(shared, limit, key), default=0.0),
        )

    def _ask(self, question: Callable[[FixedWindowRateLimiter], T], default: T) -> T:
        if self._shared is None or time.monotonic() < self._rests_until:
            return default
        try:
            return question(self._shared)
        except (RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST
            logger.warning(
                "rate limits are counted here alone: %s", error, extra={"event": "limits_alone"}
            )
            return default


def _storage(redis_url: str) -> Storage:
    pool = connect(redis_url).connection_pool
    return RedisStorage(redis_url, connection_pool=pool, key_prefix="chatapp")


def _wait(limiter: FixedWindowRateLimiter, limit: RateLimitItem, key: str) -> float:
    if limiter.test(limit, key):
        return 0.0
    return max(1.0, limiter.get_window_stats(limit, key).reset_time - time.time())
