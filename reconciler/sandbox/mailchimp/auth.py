"""Who may call, facts/mailchimp.md, 1 to 4 and 11."""

import base64
import binascii
import re

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.problems import Problem
from reconciler.sandbox.mailchimp.state import MailchimpState
from reconciler.sandbox.service import SAFE_METHODS, Request

_OVERRIDE_REFUSED = "You can only use the X-HTTP-Method-Override header with the POST method."
_DATACENTER = re.compile(r"-([a-z]{2}\d+)$")


def check(state: MailchimpState, request: Request) -> None:
    """Given a request, return if its key or token may do this. Raise Problem if not."""
    secret = _secret(request)
    if secret not in state.api_keys | state.access_tokens:
        suffix = _DATACENTER.search(secret)
        if suffix and suffix[1] != state.datacenter:
            raise problems.wrong_datacenter(suffix[1])
        raise problems.key_invalid()
    if request.method not in SAFE_METHODS and not state.switches.may_write:
        raise problems.not_permitted()


def _secret(request: Request) -> str:
    """Given a request, return the password of Basic, whatever the user, or the token of Bearer.

    The older scheme `apikey`, which no documentation names any more, is still sent by many programs.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer" | "apikey":
            return credentials.strip()
        case "basic":
            return _password(credentials)
        case _:
            raise problems.key_missing()


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise problems.key_invalid() from error


def method_of(request: Request) -> str:
    """Given a request, return the method it means. Raise Problem if it may not override its own, 11."""
    override = request.headers.get("x-http-method-override")
    if override is None:
        return request.method
    if request.method != "POST":
        raise Problem(422, "InvalidMethodOverride", _OVERRIDE_REFUSED)
    return override.upper()
