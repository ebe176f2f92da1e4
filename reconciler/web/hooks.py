"""Knows the hooks, which bring a pass forward. What a caller sends is a hint: never read, never logged."""

import hmac
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import structlog
from flask import Blueprint, Response, request

from reconciler.config import HooksConfig, SecretRef
from reconciler.errors import ConfigurationError
from reconciler.web.access import same
from reconciler.web.ports import Service
from reconciler.web.problem import Refused

SIGNATURE: Final = "X-Mailchimp-Signature"
WINDOW: Final = timedelta(seconds=300)
"""How old a signature may be (facts/mailchimp.md, 63)."""

log = structlog.get_logger(__name__)


def hook_routes(service: Service, now: Callable[[], datetime]) -> Blueprint:
    """Given the daemon and its clock, return the hooks. The end of a hook's path says whose it is."""
    routes = Blueprint("hooks", __name__, url_prefix="/hooks")

    @routes.post("/otys/<secret>")
    def otys(secret: str) -> Response:
        for client, _ in _required(service, secret, lambda hooks: hooks.otys):
            service.hint(client, "otys")
        return _thanks()

    @routes.get("/mailchimp/<secret>")
    def mailchimp_check(secret: str) -> Response:
        """Mailchimp asks once, when the hook is registered (facts/mailchimp.md, 61)."""
        _required(service, secret, lambda hooks: hooks.mailchimp)
        return Response(status=HTTPStatus.OK)

    @routes.post("/mailchimp/<secret>")
    def mailchimp(secret: str) -> Response:
        found = _required(service, secret, lambda hooks: hooks.mailchimp)
        signed = [client for client, hooks in found if _is_signed(client, hooks, now())]
        if not signed:
            raise Refused(HTTPStatus.FORBIDDEN, "The signature is missing, wrong or too old.")
        for client in signed:
            service.hint(client, "mailchimp")
        return _thanks()

    return routes


def _thanks() -> Response:
    return Response(status=HTTPStatus.NO_CONTENT)


def _required(
    service: Service, secret: str, of_hook: Callable[[HooksConfig], SecretRef | None]
) -> list[tuple[str, HooksConfig]]:
    """Return the clients whose hook this is. Raise Refused as if there were no such address at all.

    Every client's secret is compared, so that the time it takes does not tell which one came close.
    """
    found = [
        (client, hooks)
        for client, hooks, reference in _hooks(service, of_hook)
        if same(secret, _revealed(client, reference))
    ]
    if not found:
        raise Refused(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
    return found


def _hooks(
    service: Service, of_hook: Callable[[HooksConfig], SecretRef | None]
) -> Iterator[tuple[str, HooksConfig, SecretRef]]:
    for client, config in service.config().clients.items():
        reference = of_hook(config.hooks)
        if reference is not None:
            yield client, config.hooks, reference


def _revealed(client: str, reference: SecretRef) -> str:
    """A secret that cannot be read closes this client's hook; the others' stay open."""
    try:
        return reference.reveal()
    except ConfigurationError as unusable:
        log.warning("hook_closed", client=client, reason=str(unusable))
        return ""


def _is_signed(client: str, hooks: HooksConfig, now: datetime) -> bool:
    """Look for `t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY` (facts/mailchimp.md, 63).

    Where no signing secret is configured, the secret in the path is enough.
    """
    if hooks.mailchimp_signing is None:
        return True
    key = _revealed(client, hooks.mailchimp_signing)
    parts = dict(part.strip().partition("=")[::2] for part in request.headers.get(SIGNATURE, "").split(","))
    moment, shown = parts.get("t", ""), parts.get("v1", "")
    if not key or not re.fullmatch(r"[0-9]{1,12}", moment):
        return False
    expected = hmac.new(key.encode(), f"{moment}.".encode() + request.get_data(), sha256).hexdigest()
    recent = abs(int(moment) - now.timestamp()) <= WINDOW.total_seconds()
    return same(shown, expected) and recent
