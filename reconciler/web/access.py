"""Knows who may do what: whoever shows the token, and without one only this machine, and only look."""

import hmac
from enum import Enum
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from flask import request

from reconciler.config.values import is_loopback
from reconciler.web.ports import Service
from reconciler.web.problem import Refused

REALM: Final = "reconciler"


class Scheme(Enum):
    """How a caller shows the token."""

    BEARER = "Bearer"
    BASIC = "Basic"
    """As the password, under any user name: what a browser asks for."""


def known_token(service: Service) -> str | None:
    """Given the daemon, return its token as it is now; None when none is configured."""
    token = service.config().http.token
    return None if token is None else token.reveal()


def require_reader(service: Service, *schemes: Scheme) -> None:
    """Given how the token may be shown, return if the caller may look. Raise Refused otherwise.

    Without a configured token only this machine can connect, and the host name must say so too: a page of a
    stranger that a browser has open could otherwise read along under a name of its own (DNS rebinding).
    """
    token = known_token(service)
    if token is not None:
        _require_token(token, *schemes)
    elif not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise Refused(
            HTTPStatus.MISDIRECTED_REQUEST,
            "Without a token only this machine may look, under a name such as 127.0.0.1 or localhost.",
            advice="Configure http.token and show it.",
        )


def require_writer(service: Service, *schemes: Scheme) -> str:
    """Given how the token may be shown, return it if the caller may change something. Raise Refused."""
    token = known_token(service)
    if token is None:
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "Nothing can be changed over HTTP, because no token is configured.",
            advice="Configure http.token and show it.",
        )
    _require_token(token, *schemes)
    return token


def same(shown: str, secret: str) -> bool:
    """Given what a caller shows, return whether it is the secret, in a time that does not tell how close."""
    return hmac.compare_digest(shown.encode(errors="replace"), secret.encode())


def _require_token(token: str, *schemes: Scheme) -> None:
    if any(same(_shown(scheme), token) for scheme in schemes):
        return
    challenges = ", ".join(f'{scheme.value} realm="{REALM}"' for scheme in schemes)
    raise Refused(
        HTTPStatus.UNAUTHORIZED,
        "The token is missing or wrong.",
        advice="Show the token that http.token configures.",
        headers={"WWW-Authenticate": challenges},
    )


def _shown(scheme: Scheme) -> str:
    given = request.authorization
    if given is None or given.type != scheme.value.lower():
        return ""
    return (given.token if scheme is Scheme.BEARER else given.password) or ""
