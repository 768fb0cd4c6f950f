"""A certificate for a server on this machine, which signs itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.strace import require


class Certificate(NamedTuple):
    """Where it is, and its key; who trusts the one trusts the server."""

    path: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Make one for 127.0.0.1, with the extensions that Python 3.13 insists on."""
    require("openssl")
    made = Certificate(folder / "server.pem", folder / "server.key")
    command = ["openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=chat tests"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    command += ["-out", str(made.path), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True)
    return made
