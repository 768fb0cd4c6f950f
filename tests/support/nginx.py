"""nginx with the site of deploy/, in front of servers that a test started."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import httpx

from tests.support.certificates import Certificate
from tests.support.server import ROOT, free_port
from tests.support.wait import PATIENCE

#: Makes the text of a site of the port that it listens on and the ports behind it.
Site = Callable[[int, Sequence[int]], str]

_SITE = ROOT / "deploy" / "nginx-site.conf"
_MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
# What a reload leaves behind, such as streams, is cut.
worker_shutdown_timeout 1s;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def site_for(port: int, ports: Sequence[int], certificate: Certificate | None = None) -> str:
    """Return the site of deploy/ on ``port``, in front of ``ports``; no ``certificate``, no TLS."""
    first, second = ports
    behind = {"127.0.0.1:8000": f"127.0.0.1:{first}", "127.0.0.1:8001": f"127.0.0.1:{second}"}
    return _changed(_SITE.read_text("utf-8"), behind | _entrance(port, certificate))


def documented_site(
    port: int, ports: Sequence[int], path: str = "", certificate: Certificate | None = None
) -> str:
    """Return the site of docs/SETUP.md, in front of the first of ``ports``.

    ``path`` is what it is put below, such as ``/chat``. Without a ``certificate`` it has no TLS.
    """
    page = (ROOT / "docs" / "SETUP.md").read_text("utf-8")
    site = page.split("```nginx\n", 1)[1].split("```", 1)[0]
    behind = {
        "location /": f"location {path}/",
        "http://127.0.0.1:8000": f"http://127.0.0.1:{ports[0]}" + "/" * bool(path),
        'X-Forwarded-Prefix "";': f'X-Forwarded-Prefix "{path}";',
    }
    return _changed(site, behind | _entrance(port, certificate))


def _entrance(port: int, certificate: Certificate | None) -> dict[str, str]:
    if certificate is None:
        return {
            "listen 443 ssl http2": f"listen 127.0.0.1:{port}",
            "ssl_certificate     /etc/ssl/chat.pem;": "",
            "ssl_certificate_key /etc/ssl/chat.key;": "",
        }
    return {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/etc/ssl/chat.pem": str(certificate.path),
        "/etc/ssl/chat.key": str(certificate.key),
    }


def _changed(site: str, changes: dict[str, str]) -> str:
    for shipped, ours in changes.items():
        assert site.count(shipped) == 1, shipped
        site = site.replace(shipped, ours)
    return site


class Nginx:
    """One nginx, started on entering; ``site`` makes its site of its port and those behind it."""

    def __init__(self, ports: Sequence[int], site: Site = site_for) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ports = ports
        self._site = site
        self._folder = tempfile.TemporaryDirectory(prefix="chat-nginx-")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        config = self._configure(self._site)
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["nginx", "-p", folder, "-c", config], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.05)
        return self

    def reload(self, site: Site) -> None:
        """Go on with another site, without closing the port."""
        assert self._process is not None
        self._configure(site)
        self._process.send_signal(signal.SIGHUP)

    def _configure(self, site: Site) -> Path:
        folder = Path(self._folder.name)
        config = folder / "nginx.conf"
        config.write_text(_MAIN.format(folder=folder, site=site(self.port, self._ports)))
        return config

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
        self._folder.cleanup()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2, verify=False).status_code < 500
        except httpx.HTTPError:
            return False
