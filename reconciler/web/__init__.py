"""The daemon's HTTP port: health, metrics, the API, hooks and one page.

ports.py says what the daemon must offer, app.py puts the routes together, one blueprint a file, access.py
says who may do what, problem.py how a refusal looks, openapi.py describes the API, and server.py listens.
"""

from reconciler.web.app import build_app
from reconciler.web.ports import Service, State, UnknownClient
from reconciler.web.server import CannotListen, Server, serve

__all__ = ["CannotListen", "Server", "Service", "State", "UnknownClient", "build_app", "serve"]
