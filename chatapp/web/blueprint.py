"""The blueprint of the pages; the modules beside this one hang their views on it."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("web", __name__)
