"""A client that sends, and keeps every acknowledgement it was given."""

from __future__ import annotations

import itertools
import secrets
import time
from collections import Counter

import gevent

from tests.support import raw_http as http
from tests.support.team import Person, reference


class Sender:
    """Posts numbered texts one after another; each is tried again until it is acknowledged."""

    def __init__(
        self, port: int, person: Person, conversation: str, *, length: int = 0, pause: float = 0
    ) -> None:
        self.port, self.person, self.conversation = port, person, conversation
        #: Seconds between two sends of a sender that was started.
        self._pause = pause
        self._word = secrets.token_hex(3)
        self._padding = " word" * (length // 5)
        #: The name of a send, to the id it was acknowledged with.
        self.acknowledged: dict[str, str] = {}
        #: What failed tries ended with: a status, or the name of an exception.
        self.failures: Counter[str] = Counter()
        #: The longest that one send took, in seconds: how long nobody could post.
        self.longest = 0.0
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> Sender:
        """Send until stopped."""
        self._greenlet = gevent.spawn(self._run)
        return self

    def stop(self) -> None:
        """Stop after the send that is under way has been acknowledged."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.join()

    def leave(self) -> None:
        """Stop at once, acknowledged or not."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.kill()

    def send(self, text: str | None = None) -> str:
        """Send one text, until it is acknowledged; return its id."""
        name = f"{self._word}-{len(self.acknowledged)}"
        body = {
            reference(self.conversation): self.conversation,
            "content": (text or name) + self._padding,
            "clientId": name,
        }
        began = time.monotonic()
        while name not in self.acknowledged:
            self._try(name, body)
        self.longest = max(self.longest, time.monotonic() - began)
        return self.acknowledged[name]

    def _try(self, name: str, body: dict[str, str]) -> None:
        try:
            answer = http.call(self.port, "POST", "/api/messages", self.person.token, body)
        except OSError as error:
            self.failures[type(error).__name__] += 1
        else:
            if answer.status in (200, 201):
                self.acknowledged[name] = answer.json["id"]
                return
            self.failures[str(answer.status)] += 1
        gevent.sleep(0.02)

    def _run(self) -> None:
        for _ in itertools.takewhile(lambda _: self._greenlet is not None, itertools.count()):
            self.send()
            gevent.sleep(self._pause)
