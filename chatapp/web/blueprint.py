"""The blueprint of the pages; the modules beside this one hang their views on it."""

from __future__ import annotations

from flask import Blueprint

from chatapp.web import errors

blueprint = Blueprint("web", __name__)
errors.init_blueprint(blueprint)
