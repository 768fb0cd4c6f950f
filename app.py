"""The WSGI entry: `gunicorn -c gunicorn.conf.py app:app`, and what `python -m flask` loads."""

# Before anything else is imported: a module that has taken hold of an unpatched lock or socket
# keeps it, and then one waiting client stops them all.
from gevent import monkey

monkey.patch_all()

from chatapp import create_app

app = create_app()
