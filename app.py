"""The WSGI entry: `gunicorn -c gunicorn.conf.py app:app`, and what `python -m flask` loads."""

# Before anything else is imported: a module that has taken hold of an unpatched lock or socket
# keeps it, and then one waiting client stops them all.
from gevent import monkey

monkey.patch_all()

import click

from chatapp import create_app, guard
from chatapp.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    # A command's answer. gunicorn's arbiter has read the settings already, in its own way.
    if click.get_current_context(silent=True) is None:
        raise
    guard.refuse(str(error))
