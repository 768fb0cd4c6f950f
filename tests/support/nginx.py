"""nginx with the site of deploy/, in front of servers that a test started."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.server import PATIENCE, ROOT, free_port

_SITE = ROOT / "deploy" / "nginx-site.conf"
_MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
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


def site_for(port: int, ports: Sequence[int]) -> str:
    """Return the site of deploy/ on ``port``, without TLS, in front of ``ports``."""
    site = _SITE.read_text("utf-8")
    for shipped, ours in zip((8000, 8001), ports, strict=True):
        assert f"127.0.0.1:{shipped}" in site
        site = site.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{ours}")
    site, replaced = re.subn(r"listen 443 ssl http2", f"listen 127.0.0.1:{port}", site)
    assert replaced == 1
    return re.sub(r"^ *ssl_certificate.*$", "", site, flags=re.MULTILINE)


class Nginx:
    """One nginx, started on entering."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ports = ports
        self._folder = tempfile.TemporaryDirectory(prefix="chat-nginx-")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        config = folder / "nginx.conf"
        config.write_text(_MAIN.format(folder=folder, site=site_for(self.port, self._ports)))
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
        self._folder.cleanup()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
