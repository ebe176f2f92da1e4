"""Knows what a connection brings along by itself: our name and our key, and nothing else of this user's."""

from http.cookiejar import DefaultCookiePolicy

import requests
from requests.auth import HTTPBasicAuth

from reconciler import __version__


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from sending whatever a .netrc file of this user holds for the host."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def new_session(auth: tuple[str, str] | None) -> requests.Session:
    """Given a name and key to show, or none, return a session that keeps no cookies and trusts only TLS.

    Certificates are verified whatever the environment says: it can name other authorities, never none.
    """
    session = requests.Session()
    session.auth = HTTPBasicAuth(*auth) if auth else _NoAuth()
    session.headers.update({"User-Agent": f"reconciler/{__version__}", "Accept": "application/json"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session
