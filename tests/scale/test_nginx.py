"""nginx with the site that we ship, in front of two servers of two workers each."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import pytest

from tests.support.certificates import make_certificate
from tests.support.cluster import Cluster
from tests.support.nginx import Nginx, documented_site, site_for
from tests.support.raw_http import call, connect, read_head, request_bytes
from tests.support.server import ROOT
from tests.support.strace import require
from tests.support.wait import until

pytestmark = pytest.mark.scale


@pytest.fixture(autouse=True)
def _installed() -> None:
    require("nginx")


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """The one of this file."""
    return shared_cluster


def posts(port: int) -> int:
    """Return how many messages a worker has taken since it started."""
    metrics = call(port, "GET", "/metrics").body.decode()
    found = re.search(r"^chatapp_post_seconds_count (\d+)", metrics, re.MULTILINE)
    return int(found[1]) if found else 0


def is_refused(port: int) -> bool:
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_rolling_restart_under_load_fails_no_post_and_loses_no_event(cluster: Cluster) -> None:
    with Nginx(cluster.ports) as nginx:
        members = cluster.team.people(*(f"p{number}" for number in range(4)))
        group = cluster.team.group(*members)
        for member in members:
            cluster.listen(member, group, ports=[nginx.port] * 2)
            cluster.send(member, group, nginx.port)
        cluster.until_acknowledged(10)
        for server in cluster.servers:
            server.stop()
            server.start()
            until(partial(posts, server.port), "posts through the new server")
        cluster.until_acknowledged(10)
        verdict = cluster.verdict()
        assert verdict.is_clean, verdict
        assert [dict(sender.failures) for sender in cluster.senders] == [{}] * 4
        # Each stream was told goodbye by the server that held it; none was just cut.
        for listener in cluster.listeners:
            assert listener.connections == 1 + listener.told["reconnect:restart"]


def test_a_stream_begins_at_once_and_is_not_buffered(cluster: Cluster) -> None:
    ann = cluster.team.person("ann")
    with Nginx(cluster.ports) as nginx:
        stream = connect(nginx.port)
        stream.sendall(request_bytes("GET", "/api/sse", ann.token))
        status, headers, rest = read_head(stream)
        assert status == 200
        assert headers["content-type"].startswith("text/event-stream")
        while b"event: ready" not in rest:
            piece = stream.recv(4096)
            assert piece
            rest += piece
        stream.close()


def test_one_server_that_is_gone_is_not_noticed(cluster: Cluster) -> None:
    ann, bob = cluster.team.people("ann", "bob")
    dm = cluster.team.dm(ann, bob)
    with Nginx(cluster.ports) as nginx:
        cluster.servers[1].kill()
        until(lambda: is_refused(cluster.ports[1]), "a port that nobody listens on")
        body = {"directMessageId": dm, "content": "Through the other"}
        answers = [call(nginx.port, "POST", "/api/messages", ann.token, body) for _ in range(6)]
        assert [answer.status for answer in answers] == [201] * 6


def curl(*arguments: str) -> Generator[str]:
    """Call with HTTP/2; yield the lines of the answer, its head first."""
    command = ["curl", "--http2", "--no-buffer", "-isS", "--max-time", "60", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield from process.stdout
        finally:
            process.kill()


@pytest.mark.parametrize(
    "page", ["deploy/nginx-site.conf", "deploy/nginx.conf", "docs/SETUP.md"], ids=lambda page: page
)
def test_no_connection_behind_nginx_is_used_twice(page: str) -> None:
    # Said in words, since nginx before 1.29.7 does so unasked: these tests would not notice.
    text = (ROOT / page).read_text("utf-8")
    assert "proxy_set_header Connection close;" in text
    assert not re.search(r"^ *keepalive ", text, re.MULTILINE)


def test_nginx_takes_the_configuration_of_compose(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    # Names that only Docker resolves, in a way that nginx has known since 1.27.3.
    text, names = re.subn(r"server \w+:8000 resolve ", "server 127.0.0.1:8000 ", text)
    assert names == 2
    config = tmp_path / "nginx.conf"
    config.write_text(text)
    ours = f"pid {tmp_path}/pid; error_log stderr;"
    said = subprocess.run(
        ["nginx", "-t", "-p", tmp_path, "-c", config, "-g", ours],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert "[warn]" not in said.stderr


@pytest.mark.parametrize("site", [site_for, documented_site], ids=["deploy", "SETUP"])
def test_it_serves_streams_and_posts_by_tls_and_http2(
    site: Callable[..., str], cluster: Cluster, tmp_path: Path
) -> None:
    require("curl")
    made = make_certificate(tmp_path)
    ann, bob = cluster.team.people("ann", "bob")
    body = {"directMessageId": cluster.team.dm(ann, bob), "content": "Safely"}
    with Nginx(cluster.ports, partial(site, certificate=made)) as nginx:
        there = ["--cacert", str(made.path), f"https://127.0.0.1:{nginx.port}/api"]
        stream = curl("-H", f"Authorization: Bearer {bob.token}", *there[:-1], f"{there[-1]}/sse")
        assert next(stream) == "HTTP/2 200 \n"
        head = list(iter(lambda: next(stream).strip(), ""))
        assert any(line.startswith("strict-transport-security:") for line in head)
        assert "event: ready\n" in stream
        said = curl(
            *("-H", f"Authorization: Bearer {ann.token}", "--json", json.dumps(body)),
            *(*there[:-1], f"{there[-1]}/messages"),
        )
        assert next(said) == "HTTP/2 201 \n"
        assert any('"content":"Safely"' in line for line in stream)
        stream.close()
