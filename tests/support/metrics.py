"""What a server says of itself at ``/metrics``."""

from __future__ import annotations

import re

from tests.support import raw_http as http


def metric(port: int, name: str, **labels: str) -> float:
    """Return one of a server's numbers; 0 where it has seen nothing of these labels yet."""
    text = http.call(port, "GET", "/metrics").body.decode()
    family = re.sub("_(bucket|count|sum)$", "", name)
    assert f"# TYPE {family} " in text, name
    wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
    series = f"{name}{{{wanted}}}" if labels else name
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found or labels, name
    return float(found[1]) if found else 0.0
