"""Another network, joined to ours by one cable, on which packets can be made to vanish."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import pytest

from tests.support import networks
from tests.support.strace import require

#: Addresses of the link layer that nobody has.
_NOBODY = ("02:00:00:00:00:01", "02:00:00:00:00:02")


class Elsewhere:
    """A network namespace of the test's own; skips the test where none can be made."""

    def __init__(self) -> None:
        self.name = f"chat-{secrets.token_hex(3)}"
        self._cable = f"c{secrets.token_hex(3)}"
        net = f"10.213.{secrets.randbelow(256)}"
        block = 4 * secrets.randbelow(64)
        #: The two ends of the cable: ours, and the one in there.
        self.here, self.there = f"{net}.{block + 1}", f"{net}.{block + 2}"

    def __enter__(self) -> Self:
        require("ip")
        if os.geteuid() != 0:
            pytest.skip("only root can make a network namespace")
        try:
            _ip("netns", "add", self.name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"the kernel allows no network namespace: {error.stderr.decode().strip()}")
        try:
            with networks.changing():
                self._lay_the_cable()
        except BaseException:
            _ip("netns", "del", self.name)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # The cable first: of itself it would go some time after the namespace.
        with networks.changing():
            _ip("link", "del", self._cable)
        _ip("netns", "del", self.name)

    def command(self, user: str | None = None) -> list[str]:
        """Return what to put before a command so that it runs in there, as ``user``."""
        switch = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
        return ["ip", "netns", "exec", self.name, *switch]

    def drop_packets(self) -> None:
        """Let every packet vanish from now on, either way; nobody is told.

        Each end sends to an address of the link layer that the other one does not have. Unlike an
        interface that is down, or a firewall that rejects, this answers with no error at all.
        """
        for end, nobody in zip(self._ends(), _NOBODY, strict=True):
            place, address, device = end
            _ip(*place, "neigh", "replace", address, *device, "lladdr", nobody, "nud", "permanent")

    def deliver_packets(self) -> None:
        """Let packets through again."""
        for place, address, device in self._ends():
            _ip(*place, "neigh", "del", address, *device)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let packets vanish for as long as this lasts."""
        self.drop_packets()
        try:
            yield
        finally:
            self.deliver_packets()

    def _ends(self) -> list[tuple[list[str], str, list[str]]]:
        """Return how each end of the cable is reached, whom it sends to, and by what."""
        inside = ["-n", self.name]
        return [
            ([], self.there, ["dev", self._cable]),
            (inside, self.here, ["dev", "there"]),
        ]

    def _lay_the_cable(self) -> None:
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "there", "netns", self.name)
        _ip("addr", "add", f"{self.here}/30", "dev", self._cable)
        # Without an address of IPv6's own making, which would come a second or two later.
        _ip("link", "set", self._cable, "addrgenmode", "none")
        _ip("link", "set", self._cable, "up")
        inside = ("-n", self.name)
        _ip(*inside, "addr", "add", f"{self.there}/30", "dev", "there")
        _ip(*inside, "link", "set", "there", "up")
        _ip(*inside, "link", "set", "lo", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
