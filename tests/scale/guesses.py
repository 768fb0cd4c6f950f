"""Guessing a password."""

from __future__ import annotations

import re

import httpx


def guess(url: str, number: int) -> int:
    """Try a password, as a browser does; return the answer's status."""
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, verify=False) as browser:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/sign-in").text)
        assert found
        form = {"name": "ann", "password": f"guess {number}", "csrf_token": found[1]}
        return browser.post("/sign-in", data=form).status_code
