"""A server that speaks TLS itself, without a proxy in front, and its clients."""

from __future__ import annotations

import ssl
from pathlib import Path

from gevent.ssl import SSLContext, SSLSocket

from tests.support import raw_http as http
from tests.support.certificates import Certificate
from tests.support.server import Server


def tls_server(data_dir: Path, certificate: Certificate, **env: str) -> Server:
    """Return a server to be started, with this certificate."""
    arguments = f"--certfile {certificate.path} --keyfile {certificate.key}"
    server = Server(data_dir, None, GUNICORN_CMD_ARGS=arguments, **env)
    server.url = f"https://127.0.0.1:{server.port}"
    return server


def connect(
    port: int, trusted: Path, host: str = "127.0.0.1", receive_buffer: int = 0
) -> SSLSocket:
    """Return a connection to a server of this certificate, made for 127.0.0.1."""
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trusted)
    sock = http.connect(port, host, receive_buffer=receive_buffer)
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def streams(port: int, trusted: Path) -> int:
    """Return how many streams such a server says that it has."""
    with connect(port, trusted) as sock:
        sock.sendall(http.request_bytes("GET", "/metrics", None))
        data = b""
        while piece := sock.recv(65536):
            data += piece
    return int(float(data.decode().partition("\nchatapp_streams ")[2].partition("\n")[0]))
